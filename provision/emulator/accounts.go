package emulator

import (
	"strings"
	"time"
)

// account is an account as it is kept; its Subdomain is the part before
// .workers.dev, "" when none is registered.
type account struct {
	row
	Name      string
	Subdomain string
	Plan      string
	Without   []string // products
}

func (s *Server) registerAccounts() {
	s.on("GET", "user", anyToken, s.getUser)
	s.on("GET", "accounts", anyToken, s.listAccounts)
	s.on("GET", "accounts/{account}", anyToken, s.getAccount)
	s.on("GET", "memberships", anyToken, s.listMemberships)
	s.on("POST", "graphql", anyToken, s.graphql)
}

// seed makes the accounts and zones of the options that are absent.
func (s *Server) seed() error {
	if err := s.seedTokens(); err != nil {
		return err
	}
	err := s.change(func(x *txn) error {
		for _, a := range s.o.Accounts {
			if err := a.check(); err != nil {
				return err
			}
			s.seedAccount(x, a)
		}
		if len(s.accounts.rows) == 0 {
			s.seedAccount(x, Account{ID: DefaultAccount, Name: "Emulated"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.change(func(x *txn) error {
		for _, z := range s.o.Zones {
			if err := s.seedZone(x, z); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Server) seedAccount(x *txn, a Account) {
	if _, has := s.accounts.get(a.ID); has {
		return
	}
	// Seeds are always visible, so they are as old as can be.
	r := &account{row: row{ID: a.ID, Seq: s.store.nextSeq(), Made: time.Unix(0, 0)}, Name: a.Name, Plan: a.Plan, Without: a.Without}
	r.Subdomain = "acct-" + a.ID[:min(8, len(a.ID))]
	s.accounts.put(x, r)
}

// firstAccount is where a seeded zone goes that names no account.
func (s *Server) firstAccount() string {
	return s.accountsByAge.within("all")[0].row.ID
}

type accountView struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Type      string         `json:"type"`
	Settings  map[string]any `json:"settings"`
	CreatedOn string         `json:"created_on"`
}

func showAccount(a *account) any {
	return accountView{a.ID, a.Name, "standard", map[string]any{"enforce_twofactor": false}, micros(a.Made)}
}

// seenAccounts are those the token reaches, by the list's filters.
func (s *Server) seenAccounts(c *call) []entry[*account] {
	var out []entry[*account]
	name := c.query.Get("name")
	for _, e := range s.accountsByAge.within("all") {
		if c.token.sees(e.row.ID) && strings.Contains(e.row.Name, name) {
			out = append(out, e)
		}
	}
	return out
}

func (s *Server) listAccounts(c *call) (*reply, error) {
	c.repeatLastPage = c.repeatLastPage || s.o.RepeatLastPage
	return paged(s, c, s.seenAccounts(c), pageSize{20, 50}, showAccount)
}

func (s *Server) getAccount(c *call) (*reply, error) { return ok(showAccount(c.account)) }

// userID is the one user there is.
const userID = "5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a"

const userEmail = "user@example.com"

func (s *Server) getUser(c *call) (*reply, error) {
	if c.token.Account != "" {
		// guess: an account's token has no user; the code is wrangler's for "not authorised".
		return nil, errUnauthorized
	}
	return ok(map[string]any{"id": userID, "email": userEmail, "suspended": false, "two_factor_authentication_enabled": false})
}

func (s *Server) listMemberships(c *call) (*reply, error) {
	if c.token.Account != "" {
		return nil, errForbidden
	}
	return paged(s, c, s.seenAccounts(c), pageSize{20, 50}, func(a *account) any {
		return map[string]any{
			"id": a.ID, "status": "accepted", "api_access_enabled": true,
			"roles":   []string{"Super Administrator - All Privileges"},
			"account": showAccount(a),
		}
	})
}

// graphql answers the analytics queries that wrangler's info commands ask. The
// emulator counts nothing, so there is one account group with no rows.
func (s *Server) graphql(*call) (*reply, error) {
	return raw("application/json", []byte(`{"data":{"viewer":{"accounts":[{}]}},"errors":null}`)), nil
}
