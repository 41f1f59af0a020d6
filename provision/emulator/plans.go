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

// limits are those of an account's plan.
type limits struct {
	databases int
	schedules int // cron triggers
}

// planLimits: Free has 10 databases and 5 cron triggers, Paid 50,000 and 250.
var planLimits = map[string]limits{
	PlanFree: {databases: 10, schedules: 5},
	PlanPaid: {databases: 50_000, schedules: 250},
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
