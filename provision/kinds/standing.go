package kinds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/accounts"
	"github.com/cloudflare/cloudflare-go/v4/user"
)

// A Standing is what Cloudflare says of who asks.
type Standing struct {
	ID      string    // of the token; empty for a Global API Key
	Owned   bool      // the token is an account's, not a user's
	Expires time.Time // zero: never
}

const tokensPage = "https://dash.cloudflare.com/profile/api-tokens"

var tokenHints = []string{"make a token at " + tokensPage + " and set CLOUDFLARE_API_TOKEN", "or rehearse without an account: --offline"}

// Verify asks Cloudflare whether the token is valid and active. A token that
// belongs to an account and not to a user is asked for there; the user's
// endpoint answers it with code 1000.
func (c *Client) Verify(ctx context.Context) error {
	_, err := c.Standing(ctx)
	return err
}

// Standing is Verify with what there is to know of a token that is valid. The
// error for one that is not says what is wrong with it: unknown, malformed,
// expired, disabled, or used from an address that it is not meant for.
func (c *Client) Standing(ctx context.Context) (Standing, error) {
	return remember(c, "standing", func() (Standing, error) {
		if c.transport.key {
			return Standing{}, c.verifyKey(ctx)
		}
		return c.verifyToken(ctx)
	})
}

func (c *Client) verifyToken(ctx context.Context) (s Standing, err error) {
	var e envelope[struct {
		ID      string    `json:"id"`
		Status  string    `json:"status"`
		Expires time.Time `json:"expires_on"`
	}]
	_, err = user.NewTokenService(c.options...).Verify(ctx, into(&e))
	if codeIs(err, 1000) && c.Account != "" {
		s.Owned = true
		_, err = accounts.NewTokenService(c.options...).Verify(ctx, inAccount[accounts.TokenVerifyParams](c), into(&e))
	}
	refused := func(text string, err error, hints ...string) error {
		return &provision.Problem{Text: text, Err: err, Hints: append(hints, tokenHints...), Class: provision.Refused}
	}
	switch {
	case fromElsewhere(err):
		return s, addressProblem(err)
	case codeIs(err, 6003, 6111):
		return s, refused("the API token is not valid", plain(err), "it has characters that no token has: look for quotation marks, blanks and line ends around it in CLOUDFLARE_API_TOKEN")
	case codeIs(err, 1000) && c.Account == "":
		return s, refused("the API token is not valid", plain(err), "one that belongs to an account and not to a user needs its account named: CLOUDFLARE_ACCOUNT_ID, or --account",
			"else it was mistyped, deleted, or rolled: its page shows which there are")
	case codeIs(err, 1000, 9106, 9109, 10000) || statusIs(err, 400, 401, 403):
		return s, refused("the API token is not valid", plain(err), "it was mistyped, deleted, or rolled: its page shows which there are")
	case err != nil:
		return s, plain(err)
	case e.Result.Status == "expired" && !e.Result.Expires.IsZero():
		return s, refused("the API token is expired, since "+e.Result.Expires.UTC().Format("2006-01-02 15:04 MST"), nil)
	case e.Result.Status != "active":
		return s, refused(fmt.Sprintf("the API token is %s", orDefault(printable(e.Result.Status), "of unknown status")), nil)
	}
	s.ID, s.Expires = e.Result.ID, e.Result.Expires
	return s, nil
}

// verifyKey asks who the key is; a key is no token that could be verified.
func (c *Client) verifyKey(ctx context.Context) error {
	_, err := get[any](ctx, c, "user", nil)
	if codeIs(err, 6003, 6103, 9103, 9106, 9109, 10000) || statusIs(err, 400, 401, 403) {
		return &provision.Problem{Text: "the Global API Key is not valid, or not that of the address in CLOUDFLARE_EMAIL", Err: plain(err), Hints: tokenHints, Class: provision.Refused}
	}
	return plain(err)
}

// fromElsewhere reports whether a token was refused for the address that it was
// used from. It has no code of its own
// (github.com/jeessy2/ddns-go/issues/1341: 403, 9109, these words and the address).
func fromElsewhere(err error) bool {
	return anyAPI(err, func(e *APIError) bool {
		return slices.Contains(e.Codes, 9109) && strings.Contains(e.Message, "from location")
	})
}

func addressProblem(err error) error {
	return &provision.Problem{Text: "the API token may not be used from this machine's address", Err: plain(err), Class: provision.Refused,
		Hints: []string{"add the address to the token's Client IP Address Filtering, or work from one that is in it: " + tokensPage}}
}

// anyAPI reports whether any of Cloudflare's refusals in err is of that sort.
func anyAPI(err error, is func(*APIError) bool) bool {
	switch e := err.(type) {
	case nil:
		return false
	case *APIError:
		return is(e)
	case interface{ Unwrap() error }:
		return anyAPI(e.Unwrap(), is)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(one error) bool { return anyAPI(one, is) })
	}
	return false
}

// diagnosed gives what could not be read its real cause, where that is the token
// or the account: a bad token is refused everywhere in words that could as well
// be about one product. It asks no more than err gives reason to.
func (c *Client) diagnosed(ctx context.Context, err error) error {
	denied := anyAPI(err, func(e *APIError) bool {
		return e.parsed && e.Status < 500 && slices.ContainsFunc(e.Codes, func(code int) bool { return slices.Contains(deniedCodes, code) }) ||
			e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	})
	astray := anyAPI(err, func(e *APIError) bool {
		return slices.Contains(e.Codes, 7003) && strings.Contains(e.Path, "/accounts/")
	})
	var cause *provision.Problem
	var never *unsentError
	if errors.As(err, &never) {
		return c.transport.unreached(never.err) // once, and not of each resource
	}
	if fromElsewhere(err) {
		// Verifying was seen to answer such a token with 1000, as if it were none.
		var one *APIError
		errors.As(err, &one)
		return addressProblem(one)
	}
	if denied || astray {
		if bad := c.Verify(ctx); errors.As(bad, &cause) && cause.Class == provision.Refused {
			return bad
		}
	}
	if astray {
		if bad := c.CheckAccount(ctx); errors.As(bad, &cause) && cause.Class == provision.Refused {
			return bad
		}
	}
	return err
}

// deniedCodes are Cloudflare's for who may not, in every product.
var deniedCodes = []int{6003, 9103, 9106, 9109, 10000}

// Groups lists the permission groups that the token has, where the token may
// look at itself: it takes "User API Tokens Read" (of an account's token,
// "Account API Tokens Read"), which few have. False: it may not.
func (c *Client) Groups(ctx context.Context, s Standing) ([]string, bool) {
	if s.ID == "" {
		return nil, false
	}
	path := "user/tokens/" + s.ID
	if s.Owned {
		path = "accounts/" + c.Account + "/tokens/" + s.ID
	}
	e, err := get[struct {
		Policies []struct {
			Effect string `json:"effect"`
			Groups []struct {
				Name string `json:"name"`
			} `json:"permission_groups"`
		} `json:"policies"`
	}](ctx, c, path, nil)
	if err != nil || len(e.Result.Policies) == 0 {
		return nil, false
	}
	var out []string
	for _, p := range e.Result.Policies {
		for _, g := range p.Groups {
			if p.Effect == "allow" && !slices.Contains(out, g.Name) {
				out = append(out, g.Name)
			}
		}
	}
	return out, true
}
