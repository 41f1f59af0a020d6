package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/cfboot/cfboot/provision/objects"
)

// A lease is the lock of a state in a bucket, held by this run. It is an object
// that says by whom; it is written on condition that it is as it was seen before,
// so that of two who want it one gets it. Its holder writes it anew every now and
// then. One that was not written for the length of a lease, by the bucket's own
// clock, may be taken by anybody; the holder that wakes then finds another's in
// its place. It is given back by being written once more, and never deleted: a
// delete has no condition, and a late one could take a successor's.
type lease struct {
	place *bucketPlace
	stop  chan struct{}
	ended sync.WaitGroup

	mu     sync.Mutex
	record leaseRecord
	etag   string
	last   time.Time // just before it was last written
	lost   error     // why it is not ours any more
}

// leaseRecord is what the object says. Beat makes it differ each time.
type leaseRecord struct {
	holder
	Held  bool   `json:"held"`
	Fence uint64 `json:"fence"` // grows with each holder
	Beat  uint64 `json:"beat"`
}

func (b *bucketPlace) lockKey() string { return b.base() + lockObject }

// readLease reads the lock; nil: there is none yet.
func (b *bucketPlace) readLease() (*leaseRecord, objects.Object, error) {
	o, err := b.Objects.Get(b.lockKey())
	if errors.Is(err, objects.ErrNone) {
		return nil, o, nil
	}
	if err != nil {
		return nil, o, err
	}
	var r leaseRecord
	if json.Unmarshal(o.Data, &r) != nil {
		// Whoever wrote that holds it for as long as anybody would.
		r = leaseRecord{Held: true}
	}
	return &r, o, nil
}

// lease takes the lock, waiting for it as o says. A run of before is one that is
// known to have ended without giving it back.
func (b *bucketPlace) lease(o Options, before string) (*lease, error) {
	deadline := time.Now().Add(o.Wait)
	for {
		r, seen, err := b.readLease()
		if err != nil {
			return nil, err
		}
		if r == nil || !r.Held || seen.Age() > b.Lease || r.Run == before && before != "" {
			l, err := b.take(o, r, seen)
			if !errors.Is(err, objects.ErrChanged) {
				return l, err
			}
			if time.Now().Before(deadline.Add(time.Second)) {
				continue // somebody was faster; who, is seen now
			}
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, b.leased(r, seen)
		}
		select {
		case <-time.After(min(left, max(b.Lease/leaseParts/3, lockPause))):
		case <-o.Stop:
			return nil, &provision.Problem{At: b.String(), Class: provision.Interrupted,
				Text: "stopped while waiting for the run that holds it; nothing was done"}
		}
	}
}

// take writes the lock in the place of the one that was seen.
func (b *bucketPlace) take(o Options, r *leaseRecord, seen objects.Object) (*lease, error) {
	l := &lease{place: b, stop: make(chan struct{}), etag: seen.ETag}
	since := seen.Now
	if since.IsZero() {
		since = o.Now()
	}
	l.record = leaseRecord{holder: currentHolder(o, since), Held: true, Fence: 1}
	if r != nil {
		l.record.Fence = r.Fence + 1
	}
	if err := l.write(); err != nil {
		return nil, err
	}
	crashpoint.Here("state: lock taken in the bucket")
	l.ended.Go(l.keep)
	return l, nil
}

// write writes the record over what is there, if that is what we wrote or saw. The
// caller holds l.mu, or is the only one.
func (l *lease) write() error {
	l.record.Beat++
	data, err := json.MarshalIndent(l.record, "", "  ")
	if err != nil {
		return err
	}
	began := time.Now()
	etag, _, err := l.place.Objects.Put(l.place.lockKey(), append(data, '\n'), objects.Condition{ETag: l.etag}, l.record.Run)
	if err == nil {
		l.etag, l.last = etag, began
	}
	return err
}

// keep refreshes the lease until it is given back or lost.
func (l *lease) keep() {
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(l.place.Lease / leaseParts):
		}
		l.mu.Lock()
		err := l.refresh()
		l.mu.Unlock()
		if err != nil && l.gone() != nil {
			return
		}
	}
}

// refresh writes the lease anew. It is lost for good where somebody else has
// written it, or where it was not possible for longer than it lasts: then somebody
// may have. The caller holds l.mu.
func (l *lease) refresh() error {
	if l.lost != nil {
		return l.lost
	}
	err := l.write()
	switch {
	case errors.Is(err, objects.ErrChanged):
		l.lost = fmt.Errorf("the lock is another run's now, or was deleted: %w", errNotAlone)
	case err != nil && time.Since(l.last) > l.place.Lease:
		l.lost = fmt.Errorf("the lock could not be refreshed for %s, so another run may have taken it: %w", l.place.Lease, errNotAlone)
	}
	if l.lost != nil {
		return l.lost
	}
	return err
}

// gone is why the lease is lost, if it is.
func (l *lease) gone() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// valid makes sure that the lease is ours. One that was not refreshed when it
// should have been, as where the process was stopped, is refreshed first.
func (l *lease) valid() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	asleep := max(time.Since(l.last), time.Now().Round(0).Sub(l.last.Round(0))) // a machine that slept did not count it
	if asleep < l.place.Lease/leaseParts*2 {
		return nil
	}
	return l.refresh()
}

// release gives the lock back.
func (l *lease) release() error {
	close(l.stop)
	l.ended.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return nil // it is not ours to give
	}
	l.record.Held = false
	err := l.write()
	if errors.Is(err, objects.ErrChanged) {
		return nil
	}
	crashpoint.Here("state: lock given back in the bucket")
	return err
}

// leased says who holds the lock of a state in a bucket.
func (b *bucketPlace) leased(r *leaseRecord, seen objects.Object) error {
	p := &provision.Problem{At: b.String(), Class: provision.Locked, Text: "another run holds it"}
	if r != nil && r.Run != "" {
		what := r.Command
		if what == "" {
			what = "another run"
		}
		p.Text = fmt.Sprintf("%s holds it: process %d on %s, run %s, since %s", printable(what), r.PID, printable(r.Host), printable(r.Run), r.Since.Format(time.RFC3339))
	}
	p.Hints = []string{"wait until it has ended",
		fmt.Sprintf("if it has ended without giving it back, its lock ends in %s; or take it now: %s", max(b.Lease-seen.Age(), time.Second).Round(time.Second), b.command("state unlock"))}
	return p
}

func (b *bucketPlace) LookAtLock() (Lock, error) {
	l := Lock{Path: b.at(b.lockKey())}
	r, seen, err := b.readLease()
	if err != nil || r == nil || !r.Held {
		return l, err
	}
	l.Held, l.Lapsed = seen.Age() <= b.Lease, seen.Age() > b.Lease
	l.Known, l.PID, l.Since = r.Run != "", r.PID, r.Since
	l.Host, l.Command, l.Run = printable(r.Host), printable(r.Command), printable(r.Run)
	if host() == r.Host {
		l.Here, l.Alive = true, alive(r.PID)
	}
	return l, nil
}

// Unlock writes that nobody holds the lock, where it is still the one that was
// looked at. Should its holder live, it finds that out at its next save, if not
// before, and stops.
func (b *bucketPlace) Unlock(l Lock) error {
	r, seen, err := b.readLease()
	switch {
	case err != nil || r == nil || !r.Held:
		return err
	case r.Host == host() && alive(r.PID) && r.PID != 0:
		p := b.leased(r, seen).(*provision.Problem)
		p.Hints = []string{"wait until it has ended", fmt.Sprintf("or, if it hangs, stop it: kill %d", r.PID)}
		return p
	case printable(r.Run) != l.Run:
		return &provision.Problem{At: b.String(), Text: fmt.Sprintf("another run (%s) holds it by now", printable(r.Run)), Class: provision.Locked, Hints: []string{"wait until it has ended"}}
	}
	r.Held = false
	r.Beat++
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, _, err = b.Objects.Put(b.lockKey(), append(data, '\n'), objects.Condition{ETag: seen.ETag}, "")
	if errors.Is(err, objects.ErrChanged) {
		return &provision.Problem{At: b.String(), Text: "its holder lives, for it has just refreshed it", Class: provision.Locked,
			Hints: []string{"wait until it has ended", "or try once more: " + b.command("state unlock")}}
	}
	return err
}

// endedHere is the run that last held the state in this folder, where its process
// has surely ended and did not say so; else empty.
func endedHere(path string) string {
	path, err := resolve(path)
	if err != nil {
		return ""
	}
	h := readHolder(lockPath(path))
	if h == nil || h.Host != host() || alive(h.PID) {
		return ""
	}
	return h.Run
}

// end ends the refreshing of a lock whose object is about to be deleted, with the
// state: there is nothing to give back.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = errors.New("the state was removed")
}
