package kinds

import (
	"fmt"

	"github.com/cfboot/cfboot/provision"
	"golang.org/x/sync/errgroup"
)

// A group is reads under way at once. A panic in one of them would end the
// process with nothing closed; here it is one more error.
type group struct{ errgroup.Group }

// Go is errgroup's.
func (g *group) Go(read func() error) { g.Group.Go(guarded(read)) }

// guarded is read with its panic as its error.
func guarded(read func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = &provision.Problem{Text: fmt.Sprintf("cfboot itself failed: %s", printable(fmt.Sprint(p))),
					Hints: []string{"this is a fault of cfboot: please report it"}}
			}
		}()
		return read()
	}
}
