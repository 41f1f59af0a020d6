package emulator

import (
	"slices"
	"strings"
)

// permissionGroup is an entry of the catalogue of rights.
type permissionGroup struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

// listGroups is one page. The names of the filters are the API's.
func (s *Server) listGroups(c *call) (*reply, error) {
	name, scope := c.query.Get("name"), c.query.Get("scope")
	out := []permissionGroup{}
	for _, g := range permissionGroups {
		if (name == "" || g.Name == name) && (scope == "" || slices.Contains(g.Scopes, scope)) {
			out = append(out, g)
		}
	}
	return ok(out)
}

// The scopes of permission groups.
const (
	scopeAccount = "com.cloudflare.api.account"
	scopeZone    = "com.cloudflare.api.account.zone"
	scopeBucket  = "com.cloudflare.edge.r2.bucket"
	scopeUser    = "com.cloudflare.api.user"
)

var (
	permissionGroups []permissionGroup
	groupsByID       = map[string]permissionGroup{}
	groupIDs         = map[string]string{} // by name
)

func init() {
	for line := range strings.SplitSeq(strings.TrimSpace(groupCatalogue), "\n") {
		f := strings.Split(line, "|")
		g := permissionGroup{ID: f[1], Name: f[2], Scopes: []string{map[string]string{"a": scopeAccount, "z": scopeZone, "b": scopeBucket, "u": scopeUser}[f[0]]}}
		permissionGroups = append(permissionGroups, g)
		groupsByID[g.ID], groupIDs[g.Name] = g, g.ID
	}
}

// groupCatalogue is the part of Cloudflare's catalogue whose ids are known: scope
// (account, zone, bucket, user), id and name.
const groupCatalogue = `
a|09b2857d1c31407795e75e3fed8617a1|D1 Write
a|192192df92ee43ac90f2aeeffce67e35|D1 Read
a|f7f0eda5697f475c90846e879bab8666|Workers KV Storage Write
a|8b47d2786a534c08a1f94ee8f9f599ef|Workers KV Storage Read
a|bf7481a1826f439697cb59a20b22293e|Workers R2 Storage Write
a|b4992e1108244f5d8bfbd5744320c2e1|Workers R2 Storage Read
b|2efd5506f9c8494dacb1fa10a3e7d5b6|Workers R2 Storage Bucket Item Write
b|6a018a9f2fc74eb6b293b0c548f38b39|Workers R2 Storage Bucket Item Read
a|366f57075ffc42689627bcf8242a1b6d|Queues Write
a|84a7755d54c646ca87cd50682a34bf7c|Queues Read
a|e086da7e2179491d91ee5f35b3ca210a|Workers Scripts Write
a|1a71c399035b4950a1bd1466bbe4f420|Workers Scripts Read
z|28f4b596e7d643029c524985477ae49a|Workers Routes Write
z|2072033d694d415a936eaeb94e6405b8|Workers Routes Read
z|c8fed203ed3043cba015a93ad1616f1f|Zone Read
z|e6d2666161e84845a636613608cee8d5|Zone Write
z|4755a26eedb94da69e1066d98aa820be|DNS Write
z|82e64a83756745bbbb1c9c2701bf816b|DNS Read
a|64156ba5be47441096c83c7fc17c488b|Vectorize Write
a|721b2f51fba74871bd361de65aeb7e03|Hyperdrive Write
a|755c05aa014b4f9ab263aa80b8167bd8|Turnstile Sites Write
a|6c8a3737f07f46369c1ea1f22138daaf|AI Gateway Write
a|e4589eb09e63436686cd64252a3aebeb|Email Routing Addresses Write
z|79b3ec0d10ce4148a8f8bdc0cc5f97f2|Email Routing Rules Write
a|5df633d6b41c42bcaf5b4a62b9d14b64|Email Sending Write
a|1e13c5124ca64b72b1969a67e8829049|Access: Apps and Policies Write
a|bfe0d8686a584fa680f4c53b5eb0de6d|Access: Organizations, Identity Providers, and Groups Write
a|a1c0fec57cf94af79479a6d827fa518c|Access: Service Tokens Write
a|adc8fa2bc6124928a8b3314dc63a1235|Secrets Store Write
a|e34111af393449539859485aa5ddd5bd|Pipelines Write
a|bdbcd690c763475a985e8641dddc09f7|Workers Containers Write
a|26ce6c7d18a346528e7b905d5e269866|Cloudchamber Write
a|618ec6c64a3a42f8b08bdcb147ded4e4|Images Write
a|db37e5f1cb1a4e1aabaef8deaea43575|Account: SSL and Certificates Write
a|c07321b023e944ff818fec44d8203567|Cloudflare Tunnel Write
a|77efc2c0724d4c4eb94bfd9656247130|Connectivity Directory Admin
a|c1fde68c7bcc44588cbb6ddbc16d6480|Account Settings Read
a|1af1fa2adc104452b74a9a3364202f20|Account Settings Write
a|5bc3f8b21c554832afc660159ab75fa4|Account API Tokens Write
a|eb56a6953c034b9d97dd838155666f06|Account API Tokens Read
u|686d18d5ac6c441c867cbf6771e58a0a|API Tokens Write
u|0cc3a61731504c89b99ec1be78b77aa0|API Tokens Read
u|3518d0f75557482e952c6762d3e64903|Memberships Read
u|8acbe5bb0d54464ab867149d7f7cf8ac|User Details Read
`

// shown is the policy as it is read; every right is all groups that are known.
func (p policy) shown() policyBody {
	if p.Every == "" {
		return p.policyBody
	}
	out := p.policyBody
	for _, g := range permissionGroups {
		if p.Every == "Write" || strings.HasSuffix(g.Name, " Read") {
			out.Groups = append(out.Groups, groupRef{ID: g.ID, Name: g.Name})
		}
	}
	return out
}
