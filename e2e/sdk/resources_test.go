package sdk

import (
	"strings"

	"github.com/cloudflare/cloudflare-go/v4/hyperdrive"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/turnstile"
	"github.com/cloudflare/cloudflare-go/v4/vectorize"
)

func sdkVectors(s *sdk, c *vectorize.IndexService) {
	properties := c.MetadataIndex
	property := account[vectorize.IndexMetadataIndexNewParams]("PropertyName", "kind", "IndexType", "string")
	got(properties.New(s.Context(), "sdk-index", property))(s)
	_, err := properties.New(s.Context(), "sdk-index", property)
	s.refusal(err, 409, 40004)
	listed := got(properties.List(s.Context(), "sdk-index", account[vectorize.IndexMetadataIndexListParams]()))(s).MetadataIndexes
	s.same("metadata indexes", len(listed), 1)

	// The SDK's own body is the lines as one string of JSON, which no source has.
	lines := func(vectors ...string) option.RequestOption {
		return option.WithRequestBody("application/x-ndjson", []byte(strings.Join(vectors, "\n")))
	}
	vector := func(id, first string) string {
		return `{"id":"` + id + `","values":[` + first + `,1,0,0,0,0,0,0],"metadata":{"kind":"x"}}`
	}
	got(c.Insert(s.Context(), "sdk-index", account[vectorize.IndexInsertParams]("Body", ""), lines(vector("a", "1"), vector("b", "2"))))(s)
	upsert := account[vectorize.IndexUpsertParams]("Body", "", "UnparsableBehavior", "error")
	got(c.Upsert(s.Context(), "sdk-index", upsert, lines(vector("a", "4"))))(s)
	found := got(c.Query(s.Context(), "sdk-index", account[vectorize.IndexQueryParams]("Vector", []float64{1, 0, 0, 0, 0, 0, 0, 0}, "TopK", 1, "ReturnValues", true, "Filter", map[string]any{"kind": "x"})))(s)
	s.same("matches", found.Count, int64(1))
	s.same("the nearest", found.Matches[0].ID, "a")
	s.same("its values", found.Matches[0].Values[0], 4.0)
	ids := []string{"a", "b"}
	vectors, _ := (*got(c.GetByIDs(s.Context(), "sdk-index", account[vectorize.IndexGetByIDsParams]("IDs", ids)))(s)).([]any)
	s.same("vectors", len(vectors), 2)
	got(c.DeleteByIDs(s.Context(), "sdk-index", account[vectorize.IndexDeleteByIDsParams]("IDs", ids)))(s)
	s.same("vectors left", got(c.Info(s.Context(), "sdk-index", account[vectorize.IndexInfoParams]()))(s).VectorCount, int64(0))
	got(properties.Delete(s.Context(), "sdk-index", account[vectorize.IndexMetadataIndexDeleteParams]("PropertyName", "kind")))(s)
}

func sdkHyperdrive(s *sdk) {
	c := hyperdrive.NewConfigService(s.options...)
	config := func(name, user string) hyperdrive.HyperdriveParam {
		origin := with[hyperdrive.HyperdriveOriginPublicDatabaseParam](map[string]any{
			"Scheme": "postgres", "Host": "db.sdk.example", "Port": 5432, "Database": "app", "User": user, "Password": "not one"})
		return with[hyperdrive.HyperdriveParam](map[string]any{"Name": name, "Origin": origin})
	}
	made := got(c.New(s.Context(), account[hyperdrive.ConfigNewParams]("Hyperdrive", config("sdk-hyperdrive", "u"))))(s)
	_, err := c.New(s.Context(), account[hyperdrive.ConfigNewParams]("Hyperdrive", config("sdk-hyperdrive", "u")))
	s.refusal(err, 400, 2017)
	caching := with[hyperdrive.ConfigEditParamsCachingHyperdriveHyperdriveCachingCommon](map[string]any{"Disabled": true})
	s.same("caching", got(c.Edit(s.Context(), made.ID, account[hyperdrive.ConfigEditParams]("Caching", caching)))(s).Caching.Disabled, true)
	s.same("name", got(c.Update(s.Context(), made.ID, account[hyperdrive.ConfigUpdateParams]("Hyperdrive", config("sdk-renamed", "v"))))(s).Name, "sdk-renamed")
	shown := got(c.Get(s.Context(), made.ID, account[hyperdrive.ConfigGetParams]()))(s)
	s.same("user", shown.Origin.User, "v")
	s.same("a password", strings.Contains(shown.JSON.RawJSON(), "password"), false)
	s.same("configurations", len(all(s, c.ListAutoPaging(s.Context(), account[hyperdrive.ConfigListParams]()))), 1)
	got(c.Delete(s.Context(), made.ID, account[hyperdrive.ConfigDeleteParams]()))(s)
	_, err = c.Get(s.Context(), made.ID, account[hyperdrive.ConfigGetParams]())
	s.refusal(err, 404, 2006)
}

func sdkTurnstile(s *sdk) {
	c := turnstile.NewWidgetService(s.options...)
	domains := []turnstile.WidgetDomainParam{"sdk.example"}
	create := account[turnstile.WidgetNewParams]("Name", "sdk-widget", "Domains", domains, "Mode", "managed")
	made := got(c.New(s.Context(), create))(s)
	update := account[turnstile.WidgetUpdateParams]("Name", "sdk-widget", "Domains", domains, "Mode", "invisible")
	s.same("mode", string(got(c.Update(s.Context(), made.Sitekey, update))(s).Mode), "invisible")
	s.same("secret", got(c.Get(s.Context(), made.Sitekey, account[turnstile.WidgetGetParams]()))(s).Secret, made.Secret)
	rotated := got(c.RotateSecret(s.Context(), made.Sitekey, account[turnstile.WidgetRotateSecretParams]("InvalidateImmediately", true)))(s)
	s.same("the old secret", rotated.Secret == made.Secret, false)
	for range 5 { // names are not unique
		got(c.New(s.Context(), create))(s)
	}
	list := all(s, c.ListAutoPaging(s.Context(), account[turnstile.WidgetListParams]("PerPage", 5, "Order", "created_on", "Direction", "desc")))
	s.same("widgets", len(list), 6)
	s.same("the oldest", list[5].Sitekey, made.Sitekey)
	for _, w := range list {
		got(c.Delete(s.Context(), w.Sitekey, account[turnstile.WidgetDeleteParams]()))(s)
	}
	_, err := c.Get(s.Context(), made.Sitekey, account[turnstile.WidgetGetParams]())
	s.refusal(err, 404, 10404)
}
