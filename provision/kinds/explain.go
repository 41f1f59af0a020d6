package kinds

import (
	"errors"
	"fmt"

	"github.com/cfboot/cfboot/provision"
)

// explain turns a failed call into an error that says what to try. Only what is
// known of a code in this product is said; everything else keeps Cloudflare's
// own words.
func explain(key provision.Key, k Kind, err error) error {
	if err == nil {
		return nil
	}
	err = plain(err)
	var problem *provision.Problem
	var lost *provision.LostError
	var exists *provision.ExistsError
	if errors.As(err, &problem) || errors.As(err, &lost) || errors.As(err, &exists) {
		return err
	}
	var api *APIError
	if !errors.As(err, &api) {
		return err
	}
	p := &provision.Problem{Err: err, Class: provision.Failed}
	switch {
	case codeIs(err, 10000, 9109, 9106, 10001) && api.Status < 500 || statusIs(err, 401, 403):
		p.Class = provision.Refused
		p.Hints = append(p.Hints, fmt.Sprintf("the token may lack the permission %q, or belong to another account; edit it under My Profile > API Tokens", k.Permission))
	case key.Kind == "r2" && codeIs(err, 10042):
		p.Class = provision.Refused
		p.Hints = append(p.Hints, "R2 is not enabled for this account: enable it once in the dashboard under R2 Object Storage")
	case key.Kind == "d1" && codeIs(err, 7406):
		p.Class = provision.Refused
		p.Hints = append(p.Hints, "the account's limit of D1 databases is reached (10 on the Free plan): delete one that is no longer used, or upgrade")
	case key.Kind == "dns" && codeIs(err, 81045):
		p.Class = provision.Refused
		p.Hints = append(p.Hints, "the zone's limit of DNS records is reached: delete some, or upgrade its plan")
	case key.Kind == "r2" && statusIs(err, 409):
		p.Hints = append(p.Hints, "empty the bucket first")
	case api.Status == 429:
		p.Hints = append(p.Hints, "the account's limit of 1,200 requests in five minutes is used up; run the same command again later")
	}
	return p
}
