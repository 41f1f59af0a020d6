package emulator

import "net/http"

// lacks refuses a product that is not enabled on the account.
func (a *account) lacks(group string) error {
	switch {
	case group == groupR2 && a.NoR2:
		return errNoR2
	case group == groupQueues && a.NoQueues:
		return refuse(http.StatusForbidden, 10023, "workers.api.error.unauthorized")
	}
	return nil
}

// errNoR2 is the answer to everything about R2 before R2 is switched on.
var errNoR2 error = refuse(http.StatusForbidden, 10042, "Please enable R2 through the Cloudflare Dashboard.")

// limit is how many of a product an account may have on each plan, 0 for no end.
type limit struct{ free, paid int }

// Limits per account, as documented. Those of KV namespaces (1,000) and queues
// (10,000) are raised on request on the paid plan: here they are, so that there can
// be large accounts.
var (
	limitDatabases   = limit{10, 50_000}
	limitNamespaces  = limit{1_000, 0}
	limitBuckets     = limit{1_000_000, 1_000_000}
	limitQueues      = limit{10_000, 0}
	limitScripts     = limit{100, 500}
	limitIndexes     = limit{100, 50_000}
	limitCrons       = limit{5, 250}
	limitDatabaseDay = limit{7, 30} // days of a D1 database's history
)

// of is the limit on the account's plan.
func (l limit) of(a *account) int {
	if a.Free {
		return l.free
	}
	return l.paid
}

// reached says whether the account has as many as it may.
func (l limit) reached(a *account, have int) bool { return l.of(a) > 0 && have >= l.of(a) }

// full refuses one more. guess: code, status and text, for the products whose own
// answer no source tells; D1 and R2 have theirs.
func (l limit) full(a *account, what string) error {
	return refuse(http.StatusBadRequest, 10037, "You have reached the limit of %d %s on this account's plan.", l.of(a), what)
}
