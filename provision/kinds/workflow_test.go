package kinds_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

// Only the Workflows of the Workers that are asked for are found, on whichever
// page, and one that is gone already counts as deleted.
func TestWorkflows(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"app": {"kind": "worker"}, "api": {"kind": "worker"}`, "worker/api", provision.Create)
	for i := range 130 {
		script := "shop-api"
		if i%50 == 0 {
			script = "shop"
		}
		w.call(t, "PUT", "accounts/"+account+"/workflows/"+fmt.Sprintf("flow-%03d", i), `{"class_name":"Flow","script_name":"`+script+`"}`)
	}
	c := w.client(t)
	names, err := c.Workflows(context.Background(), map[string]bool{"shop": true})
	slices.Sort(names)
	if want := []string{"flow-000", "flow-050", "flow-100"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("%v (%v), want %v", names, err, want)
	}
	for range 2 {
		if err := c.DeleteWorkflow(context.Background(), "flow-100"); err != nil {
			t.Fatal(err)
		}
	}
	if names, err = c.Workflows(context.Background(), map[string]bool{"shop": true}); err != nil || len(names) != 2 {
		t.Errorf("%v (%v) after one was deleted", names, err)
	}
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: ".*/workflows/flow-000", Status: 403, Code: 10000, Count: 9})
	if err := c.DeleteWorkflow(context.Background(), "flow-000"); err == nil {
		t.Error("a refused delete is no error")
	}
}
