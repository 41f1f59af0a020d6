package kinds

import (
	"github.com/cfboot/cfboot/provision"
)

// notEnabled is what each kind of resource cannot be made without, by the code
// with which its product says that the account is without it.
var notEnabled = []struct {
	kind string
	code int
	text string
}{
	{"r2", 10042, "R2 is not enabled for this account: enable it once in the dashboard under R2 Object Storage, then plan again"},
	{"queue", 10023, "Queues is not enabled for this account: enable it once in the dashboard under Queues, then plan again"},
	{"consumer", 10023, "Queues is not enabled for this account, so nothing can consume from one"},
}

// blockedBy turns the refusal of a product that the account is without into what
// a plan can show beside all the rest. Of what is known to exist it says
// nothing: that has to be seen before anything is done to it.
func blockedBy(w provision.Wanted, err error) (provision.Observed, bool) {
	for _, n := range notEnabled {
		if n.kind == w.Key.Kind && w.ID == "" && codeIs(err, n.code) {
			return provision.Observed{Key: w.Key, Blocked: n.text}, true
		}
	}
	return provision.Observed{}, false
}
