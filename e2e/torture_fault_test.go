package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"pgregory.net/rapid"
)

// A strike is what goes wrong in one run.
type strike struct {
	kind     string
	failures []emulator.Failure
	early    bool // it may strike while the plan is made
	at       int  // the point at which the process dies or is stopped, or the save that fails; counted from 1
	restore  bool // after a failed save, the state that was printed is put in its place
}

// What may go wrong, from the mildest.
var strikes = []string{"none", "drop-before", "drop-after", "5xx-before", "5xx-after", "429", "success-false", "html-before", "html-after",
	"burst", "403", "save", "kill", "stop", "cancel", "no-consent", "squat-late"}

func drawStrike(t *rapid.T, kinds []string) strike {
	s := strike{kind: rapid.SampledFrom(kinds).Draw(t, "fault")}
	s.early = rapid.IntRange(0, 3).Draw(t, "early") == 3
	f := emulator.Failure{Code: tortureCode,
		Method: rapid.SampledFrom([]string{"", "POST", "POST", "PUT", "PATCH", "DELETE", "GET"}).Draw(t, "method"),
		Skip:   rapid.IntRange(0, 4).Draw(t, "skip"), Count: rapid.IntRange(1, 2).Draw(t, "count"),
	}
	page := func() {
		f.Body, f.Status = "<html><body>Sign in</body></html>", rapid.SampledFrom([]int{200, 403, 502}).Draw(t, "status")
	}
	switch s.kind {
	case "none", "no-consent", "squat-late":
		return s
	case "save", "kill", "stop", "cancel":
		s.at, s.restore = rapid.IntRange(1, 50).Draw(t, "at"), rapid.Bool().Draw(t, "restore")
		if s.kind == "save" {
			s.at = (s.at + 4) / 5
		}
		return s
	case "drop-before", "drop-after":
		f.Drop = true
	case "5xx-before", "5xx-after":
		f.Status = rapid.SampledFrom([]int{500, 502, 503, 504}).Draw(t, "status")
	case "429":
		f.Status, f.Code, f.RetryAfter = http.StatusTooManyRequests, tortureCode, "0"
	case "success-false":
		f.Envelope200, f.Message = true, "no"
	case "html-before", "html-after":
		page()
	case "burst":
		f.Status, f.Count = http.StatusServiceUnavailable, rapid.IntRange(3, 12).Draw(t, "burst")
	case "403":
		f.Status, f.Code, f.Message, f.Count = http.StatusForbidden, tortureCode, "no such permission", -1
		f.Path = rapid.SampledFrom([]string{"/d1/", "/storage/kv/", "/r2/", "/queues", "/dns_records", "/workers/routes", "/workers/domains", "/workers/scripts", "/vectorize/"}).Draw(t, "product")
	}
	f.After = s.kind == "drop-after" || s.kind == "5xx-after" || s.kind == "html-after"
	s.failures = []emulator.Failure{f}
	return s
}

// tortureCode is the error code by which a fault that struck is told from a
// refusal of the emulator's own.
const tortureCode = 4711

var errDead = errors.New("the process is dead")

// A life counts the points at which a process may die or be stopped: each
// request, before and after it has had its effect, and each record, before and
// after it is kept. A dead process sends and records nothing any more.
type life struct {
	mu     sync.Mutex
	left   int // points until it happens; 0: never
	happen func()
	isDead bool
	deadly bool
}

// begin lets the points count from now on.
func (l *life) begin(points int, deadly bool, happen func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.deadly, l.happen = points, deadly, happen
}

// point reports whether the process is dead.
func (l *life) point() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left > 0 {
		if l.left--; l.left == 0 {
			l.isDead = l.deadly
			l.happen()
		}
	}
	return l.isDead
}

// A mortal transport sends requests as long as the process lives. One that is on
// its way is carried out even if the process dies meanwhile.
type mortal struct {
	life *life
	base http.RoundTripper
}

func (m mortal) RoundTrip(req *http.Request) (*http.Response, error) {
	if m.life.point() {
		return nil, errDead
	}
	resp, err := m.base.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
	if (m.life.point() || req.Context().Err() != nil) && err == nil {
		_ = resp.Body.Close()
		return nil, errors.Join(errDead, req.Context().Err())
	}
	return resp, err
}

// A flawed recorder dies with the process, and one of its saves finds no disk.
type flawed struct {
	provision.Recorder
	life *life
	path string

	mu    sync.Mutex
	saves int
	fails int // the save that fails
}

func (f *flawed) save(do func() error) error {
	if f.life.point() {
		return errDead
	}
	f.mu.Lock()
	f.saves++
	fails := f.saves == f.fails
	if fails {
		dir := filepath.Dir(f.path)
		if err := os.Rename(dir, dir+".away"); err != nil {
			panic(err)
		}
	}
	err := do()
	if fails {
		dir := filepath.Dir(f.path)
		if err := os.Rename(dir+".away", dir); err != nil {
			panic(err)
		}
	}
	f.mu.Unlock()
	if f.life.point() {
		return errDead
	}
	return err
}

func (f *flawed) Begin(i provision.Intent) error {
	return f.save(func() error { return f.Recorder.Begin(i) })
}
func (f *flawed) Drop(k provision.Key) error {
	return f.save(func() error { return f.Recorder.Drop(k) })
}
func (f *flawed) Keep(e provision.Entry) error {
	return f.save(func() error { return f.Recorder.Keep(e) })
}
func (f *flawed) Forget(k provision.Key) error {
	return f.save(func() error { return f.Recorder.Forget(k) })
}

// A mortalVault keeps nothing, and dies with the process.
type mortalVault struct{ life *life }

func (v mortalVault) Keep(name string, write func(io.Writer) error) (string, error) {
	if v.life.point() {
		return "", errDead
	}
	return name, write(io.Discard)
}
