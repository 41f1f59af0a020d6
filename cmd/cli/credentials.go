package cli

import (
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/objects"
)

const (
	tokenVariable = "CLOUDFLARE_API_TOKEN"
	keyVariable   = "CLOUDFLARE_API_KEY"
	emailVariable = "CLOUDFLARE_EMAIL"
)

// secrets are those of the environment: none of them may be shown.
func (e Env) secrets() (out []string) {
	for _, name := range []string{tokenVariable, keyVariable} {
		if v, ok := e.getenv(name); ok && v != offlineToken { // which is no secret
			out = append(out, v)
			if name == tokenVariable {
				out = append(out, objects.SecretOf(v)) // R2's secret access key
			}
		}
	}
	return out
}

// credentials put in who asks. A Global API Key may do all that its owner may,
// in every account; so it is used only where that is said with the command.
func (a *app) credentials(c *kinds.Connection) error {
	token, hasToken := a.getenv(tokenVariable)
	key, hasKey := a.getenv(keyVariable)
	email, hasEmail := a.getenv(emailVariable)
	if !a.globalKey {
		switch {
		case hasToken:
			c.Token = token
			return nil
		case hasKey:
			return refused("no API token: "+tokenVariable+" is not set, and "+keyVariable+" is the Global API Key, which may do everything in every account",
				"make a token that may do just what is needed, at https://dash.cloudflare.com/profile/api-tokens, and set "+tokenVariable,
				"or use the key all the same: --global-key", "or rehearse without an account: --offline")
		}
		return refused("no API token: "+tokenVariable+" is not set",
			"make a token at https://dash.cloudflare.com/profile/api-tokens and set "+tokenVariable, "or rehearse without an account: --offline")
	}
	switch {
	case hasToken:
		return refused("--global-key is given and "+tokenVariable+" is set as well", "leave out --global-key: the token may do less, which is better; or unset "+tokenVariable)
	case !hasKey || !hasEmail:
		return refused("--global-key needs "+keyVariable+" and "+emailVariable+", and not both are set", "the key is at https://dash.cloudflare.com/profile/api-tokens, and the address is the one you log in with")
	}
	c.Key, c.Email = key, email
	a.view().Notice("warning: using the Global API Key, which may do everything in every account of %s; a token is safer", email)
	return nil
}
