package kinds_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

const (
	twoWorkers  = `"app": {"kind": "worker"}, "api": {"kind": "worker"}`
	otherWorker = `"api": {"kind": "worker"}`
)

// flows makes Workflows, the most of them of another Worker than shop.
func (w *world) flows(t *testing.T, n int) {
	for i := range n {
		script := "shop-api"
		if i%50 == 0 {
			script = "shop"
		}
		w.call(t, "PUT", "accounts/"+account+"/workflows/"+fmt.Sprintf("flow-%03d", i), `{"class_name":"Flow","script_name":"`+script+`"}`)
	}
}

// flow lists the account's Workflows as the emulator has them.
func (w *world) flow(t *testing.T, name string) bool {
	return strings.Contains(string(w.call(t, "GET", "accounts/"+account+"/workflows?search="+name, "")), `"`+name+`"`)
}

// The Workflows of a Worker that is deleted go with it, on whichever page they are
// listed, and no others.
func TestWorkflowsGoWithTheirWorker(t *testing.T) {
	w := newWorld(t)
	w.reach(t, twoWorkers, "worker/api", provision.Create)
	w.flows(t, 130)
	step := w.reach(t, otherWorker, "worker/app", provision.Delete)
	var names []string
	for _, k := range step.With {
		names = append(names, k.String())
	}
	slices.Sort(names)
	if want := []string{"workflow/flow-000", "workflow/flow-050", "workflow/flow-100"}; !slices.Equal(names, want) {
		t.Errorf("%v go with it, want %v", names, want)
	}
	if w.flow(t, "flow-050") || !w.flow(t, "flow-051") {
		t.Error("flow-050 is left, or flow-051 is gone")
	}
	if p := w.plan(t, "", true); len(stepOf(t, p, "worker/api").With) != 127 || p.Calls() != 128 {
		t.Errorf("%d go with the other, in %d calls", len(stepOf(t, p, "worker/api").With), p.Calls())
	}
}

// A Worker whose Workflow cannot be deleted stays, so that both are still known.
func TestAWorkflowThatStaysKeepsItsWorker(t *testing.T) {
	w := newWorld(t)
	w.reach(t, twoWorkers, "worker/api", provision.Create)
	w.flows(t, 51)
	p := w.plan(t, otherWorker, false)
	w.call(t, "DELETE", "accounts/"+account+"/workflows/flow-000", "") // somebody else was faster
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: ".*/workflows/flow-050", Status: 400, Code: 10002, Count: 1})
	err := w.apply(t, p)
	if err == nil || !strings.Contains(err.Error(), "its Workflow flow-050, which would outlive it") || idOf(t, w, "worker/app") == "" || w.left()["worker"] != 2 {
		t.Fatalf("%v, %v", err, w.left())
	}
	w.reach(t, otherWorker, "worker/app", provision.Delete)
	if w.flow(t, "flow-050") || w.left()["worker"] != 1 {
		t.Errorf("the second time it is left: %v", w.left())
	}
}

// Where the token may not see the Workflows, the rest goes, and the plan says so.
func TestWorkflowsUnseen(t *testing.T) {
	w := newWorld(t)
	w.reach(t, twoWorkers, "worker/api", provision.Create)
	w.flows(t, 1)
	w.server.Fail(emulator.Failure{Method: "GET", Path: ".*/workflows", Status: 403, Code: 9109, Count: 9})
	p := w.plan(t, otherWorker, false)
	step := stepOf(t, p, "worker/app")
	if step.With != nil || !strings.HasPrefix(step.Unseen, "whether it has Workflows, which would be left, cannot be seen: ") {
		t.Errorf("%+v", step)
	}
	if err := w.apply(t, p); err != nil || w.left()["worker"] != 1 {
		t.Errorf("%v, %v", err, w.left())
	}
}

// Any other failure to see them is one.
func TestWorkflowsNotListed(t *testing.T) {
	w := newWorld(t)
	w.reach(t, twoWorkers, "worker/api", provision.Create)
	w.server.Fail(emulator.Failure{Method: "GET", Path: ".*/workflows", Status: 400, Code: 10002, Count: 99})
	st := w.state(t)
	st.Account = account
	if _, err := provision.NewPlan(t.Context(), w.client(t), kindTraits, nil, st, true); err == nil || !strings.Contains(err.Error(), "worker/a") {
		t.Errorf("%v", err)
	}
}
