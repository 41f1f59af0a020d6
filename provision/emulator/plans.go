package emulator

import (
	"fmt"
	"net/http"
	"slices"
)

// Products that an account may be without.
const (
	ProductR2     = "r2"     // not enabled yet: 10042
	ProductQueues = "queues" // not enabled: 10023, as before the Free plan had Queues
)

// Plans of an account.
const (
	PlanFree = "free"
	PlanPaid = "paid" // also where Account names none
)

// limits are those of an account's plan; 0 is no end.
type limits struct {
	databases  int
	history    int // days of a D1 database's time travel
	namespaces int
	buckets    int
	queues     int
	scripts    int
	indexes    int // of Vectorize
	schedules  int // cron triggers
}

// planLimits are those of the documentation. The paid plan's of KV namespaces
// (1,000) and queues (10,000) are raised on request: here they are, so that there
// can be large accounts.
var planLimits = map[string]limits{
	PlanFree: {databases: 10, history: 7, namespaces: 1_000, buckets: 1_000_000, queues: 10_000, scripts: 100, indexes: 100, schedules: 5},
	PlanPaid: {databases: 50_000, history: 30, buckets: 1_000_000, scripts: 500, indexes: 50_000, schedules: 250},
}

// full refuses one more where there are as many as there may be. guess: code, status
// and text, for the products whose own answer no source tells; D1 and R2 have theirs.
func full(have, most int, what string) error {
	if most == 0 || have < most {
		return nil
	}
	return refuse(http.StatusBadRequest, 10037, "You have reached the limit of %d %s on this account's plan.", most, what)
}

// notEnabled is what every endpoint of a product answers that the account is
// without, by the permission group.
var notEnabled = map[string]struct {
	product string
	refusal *refusal
}{
	// guess: the status.
	groupR2:     {ProductR2, refuse(http.StatusForbidden, 10042, "Please enable R2 through the Cloudflare Dashboard.")},
	groupQueues: {ProductQueues, refuse(http.StatusForbidden, 10023, "workers.api.error.unauthorized")},
}

// has refuses a call to a product that the account is without.
func (a *account) has(group string) error {
	if not, gated := notEnabled[group]; gated && slices.Contains(a.Without, not.product) {
		return not.refusal
	}
	return nil
}

// limits are those of the account's plan.
func (a *account) limits() limits {
	if a.Plan == "" {
		return planLimits[PlanPaid]
	}
	return planLimits[a.Plan]
}

func (a Account) check() error {
	if _, known := planLimits[a.Plan]; a.Plan != "" && !known {
		return fmt.Errorf("account %s: there is no plan %q: free or paid", a.ID, a.Plan)
	}
	for _, p := range a.Without {
		if p != ProductR2 && p != ProductQueues {
			return fmt.Errorf("account %s: %q is no product that an account can be without: r2 or queues", a.ID, p)
		}
	}
	return nil
}

// SetAccount gives an account that exists another plan and other products. What
// is there already stays.
func (s *Server) SetAccount(a Account) error {
	if err := a.check(); err != nil {
		return err
	}
	return s.change(func(x *txn) error {
		old, has := s.accounts.get(a.ID)
		if !has {
			return fmt.Errorf("there is no account %q", a.ID)
		}
		next := *old
		next.Plan, next.Without = a.Plan, a.Without
		s.accounts.put(x, &next)
		return nil
	})
}

// databaseLimit refuses a database beyond those that the plan allows.
func (s *Server) databaseLimit(a *account) error {
	if most := a.limits().databases; len(s.databasesByAge.within(a.ID)) >= most {
		return refuse(http.StatusBadRequest, 7406, "System limit reached: databases per account (%d)", most)
	}
	return nil
}
