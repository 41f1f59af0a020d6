package sdk

import (
	"slices"

	"github.com/cloudflare/cloudflare-go/v4/accounts"
	"github.com/cloudflare/cloudflare-go/v4/d1"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/shared"
	"github.com/cloudflare/cloudflare-go/v4/user"
)

func sdkTokens(s *sdk) {
	u := user.NewTokenService(s.options...)
	groups := all(s, u.PermissionGroups.ListAutoPaging(s.Context(), with[user.TokenPermissionGroupListParams](map[string]any{"Name": "D1 Read"})))
	s.same("groups", len(groups), 1)
	policies := readers(groups[0].ID)
	made := got(u.New(s.Context(), with[user.TokenNewParams](map[string]any{"Name": "sdk-token", "Policies": policies})))(s)
	s.reads(made.Value, 200)
	renamed := with[shared.TokenParam](map[string]any{"Name": "sdk-renamed", "Policies": policies, "Status": shared.TokenStatusActive})
	s.same("name", got(u.Update(s.Context(), made.ID, with[user.TokenUpdateParams](map[string]any{"Token": renamed})))(s).Name, "sdk-renamed")
	rolled := *got(u.Value.Update(s.Context(), made.ID, user.TokenValueUpdateParams{Body: struct{}{}}))(s)
	s.reads(made.Value, 401)
	s.reads(rolled, 200)
	s.same("token", got(u.Get(s.Context(), made.ID))(s).Name, "sdk-renamed")
	s.same("tokens", len(all(s, u.ListAutoPaging(s.Context(), user.TokenListParams{}))), 1)
	got(u.Delete(s.Context(), made.ID))(s)
	_, err := u.Get(s.Context(), made.ID)
	s.refusal(err, 404, 1003)
	s.reads(rolled, 401)

	sdkAccountTokens(s, policies)
}

func sdkAccountTokens(s *sdk, policies []shared.TokenPolicyParam) {
	c := accounts.NewTokenService(s.options...)
	groups := *got(c.PermissionGroups.Get(s.Context(), account[accounts.TokenPermissionGroupGetParams]()))(s)
	s.same("a group of all", slices.ContainsFunc(groups, func(g accounts.TokenPermissionGroupGetResponse) bool { return g.Name == "D1 Read" }), true)
	made := got(c.New(s.Context(), account[accounts.TokenNewParams]("Name", "sdk-token", "Policies", policies)))(s)
	s.reads(made.Value, 200)
	renamed := with[shared.TokenParam](map[string]any{"Name": "sdk-renamed", "Policies": policies})
	s.same("name", got(c.Update(s.Context(), made.ID, account[accounts.TokenUpdateParams]("Token", renamed)))(s).Name, "sdk-renamed")
	rolled := *got(c.Value.Update(s.Context(), made.ID, account[accounts.TokenValueUpdateParams]("Body", struct{}{})))(s)
	s.reads(made.Value, 401)
	s.reads(rolled, 200)
	s.same("token", got(c.Get(s.Context(), made.ID, account[accounts.TokenGetParams]()))(s).ID, made.ID)
	s.same("tokens", len(all(s, c.ListAutoPaging(s.Context(), account[accounts.TokenListParams]()))), 1)
	got(c.Delete(s.Context(), made.ID, account[accounts.TokenDeleteParams]()))(s)
	_, err := c.Get(s.Context(), made.ID, account[accounts.TokenGetParams]())
	s.refusal(err, 404, 1003)
}

// readers are the policies of whoever has one permission group on the account.
func readers(group string) []shared.TokenPolicyParam {
	groups := []shared.TokenPolicyPermissionGroupParam{with[shared.TokenPolicyPermissionGroupParam](map[string]any{"ID": group})}
	resources := map[string]shared.TokenPolicyResourcesUnionParam{"com.cloudflare.api.account." + testAccount: shared.UnionString("*")}
	return []shared.TokenPolicyParam{with[shared.TokenPolicyParam](map[string]any{"Effect": "allow", "PermissionGroups": groups, "Resources": resources})}
}

// reads checks how listing databases with a token ends; making one must not work.
func (s *sdk) reads(token string, status int) {
	s.Helper()
	c := d1.NewDatabaseService(append(slices.Clone(s.options), option.WithAPIToken(token))...)
	_, err := c.List(s.Context(), account[d1.DatabaseListParams]())
	if status != 200 {
		s.refusal(err, status, 10000)
		return
	}
	if err != nil {
		s.Error(err)
	}
	_, err = c.New(s.Context(), account[d1.DatabaseNewParams]("Name", "sdk-not-allowed"))
	s.refusal(err, 403, 10000)
}
