package sdk

import (
	"io"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cloudflare/cloudflare-go/v4/accounts"
	"github.com/cloudflare/cloudflare-go/v4/d1"
	"github.com/cloudflare/cloudflare-go/v4/dns"
	"github.com/cloudflare/cloudflare-go/v4/kv"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/queues"
	"github.com/cloudflare/cloudflare-go/v4/r2"
	"github.com/cloudflare/cloudflare-go/v4/user"
	"github.com/cloudflare/cloudflare-go/v4/vectorize"
	"github.com/cloudflare/cloudflare-go/v4/workers"
	"github.com/cloudflare/cloudflare-go/v4/zones"
)

func TestGoSDK(t *testing.T) {
	s := newSDK(t, emulator.Options{})
	for _, product := range []func(*sdk){sdkAccount, sdkTokens, sdkZones, sdkD1, sdkKV, sdkR2, sdkQueues, sdkVectorize, sdkHyperdrive, sdkTurnstile, sdkWorkers} {
		product(s)
	}
}

// TestGoSDKPagesWithoutEnd: Cloudflare was seen to give the last page of
// accounts again for any later one, on which the SDK's pager never ends.
func TestGoSDKPagesWithoutEnd(t *testing.T) {
	s := newSDK(t, emulator.Options{RepeatLastPage: true})
	p := accounts.NewAccountService(s.options...).ListAutoPaging(s.Context(), accounts.AccountListParams{})
	for i := range 5 {
		if !p.Next() {
			t.Fatalf("the pager ends after %d of one account: %v", i, p.Err())
		}
	}
}

func sdkAccount(s *sdk) {
	s.same("token", string(got(user.NewTokenService(s.options...).Verify(s.Context()))(s).Status), "active")
	c := accounts.NewAccountService(s.options...)
	s.same("account token", string(got(c.Tokens.Verify(s.Context(), account[accounts.TokenVerifyParams]()))(s).Status), "active")
	all := all(s, c.ListAutoPaging(s.Context(), accounts.AccountListParams{}))
	s.same("accounts", len(all), 1)
	s.same("account", got(c.Get(s.Context(), account[accounts.AccountGetParams]()))(s).Name, "Test")
}

func sdkZones(s *sdk) {
	found := all(s, zones.NewZoneService(s.options...).ListAutoPaging(s.Context(), with[zones.ZoneListParams](map[string]any{"Name": "sdk.example"})))
	s.same("zones", len(found), 1)
	s.zone = found[0].ID
	s.same("zone", got(zones.NewZoneService(s.options...).Get(s.Context(), zoned[zones.ZoneGetParams](s)))(s).Name, "sdk.example")

	c := dns.NewRecordService(s.options...)
	record := func(name, content string) dns.RecordNewParams {
		return zoned[dns.RecordNewParams](s, "Body", with[dns.RecordNewParamsBody](map[string]any{"Type": "TXT", "Name": name + ".sdk.example", "TTL": dns.TTL(60), "Content": content}))
	}
	first := got(c.New(s.Context(), record("a", `"a"`)))(s)
	_, err := c.New(s.Context(), record("a", `"a"`))
	s.refusal(err, 400, 81058)
	edit := with[dns.RecordEditParamsBody](map[string]any{"Type": "TXT", "Name": "a.sdk.example", "TTL": dns.TTL(120), "Content": `"b"`, "Comment": "changed"})
	s.same("comment", got(c.Edit(s.Context(), first.ID, zoned[dns.RecordEditParams](s, "Body", edit)))(s).Comment, "changed")
	put := with[dns.RecordUpdateParamsBody](map[string]any{"Type": "TXT", "Name": "a.sdk.example", "TTL": dns.TTL(60), "Content": `"c"`})
	s.same("content", got(c.Update(s.Context(), first.ID, zoned[dns.RecordUpdateParams](s, "Body", put)))(s).Content, `"c"`)
	for _, name := range []string{"b", "c", "d", "e", "f"} {
		got(c.New(s.Context(), record(name, `"x"`)))(s)
	}
	records := all(s, c.ListAutoPaging(s.Context(), zoned[dns.RecordListParams](s, "PerPage", 2)))
	s.same("records", len(records), 6)
	for _, r := range records {
		s.same("deleted", got(c.Delete(s.Context(), r.ID, zoned[dns.RecordDeleteParams](s)))(s).ID, r.ID)
	}
	_, err = c.Get(s.Context(), first.ID, zoned[dns.RecordGetParams](s))
	s.refusal(err, 404, 81044)
}

func sdkD1(s *sdk) {
	c := d1.NewDatabaseService(s.options...)
	db := got(c.New(s.Context(), account[d1.DatabaseNewParams]("Name", "sdk-db")))(s)
	_, err := c.New(s.Context(), account[d1.DatabaseNewParams]("Name", "sdk-db"))
	s.refusal(err, 400, 7502)
	query := func(sql string, params ...string) []d1.QueryResult {
		return all(s, c.QueryAutoPaging(s.Context(), db.UUID, account[d1.DatabaseQueryParams]("Sql", sql, "Params", params)))
	}
	query("create table t(a integer)")
	query("insert into t values (?), (?)", "1", "2")
	rows := query("select a from t where a > ?", "1")
	s.same("rows", rows[0].Results, []any{map[string]any{"a": 2.0}})
	s.same("tables", got(c.Get(s.Context(), db.UUID, account[d1.DatabaseGetParams]()))(s).NumTables, 1.0)
	for _, n := range "abcdefghij" {
		got(c.New(s.Context(), account[d1.DatabaseNewParams]("Name", "sdk-db-"+string(n))))(s)
	}
	list := all(s, c.ListAutoPaging(s.Context(), account[d1.DatabaseListParams]("PerPage", 10)))
	s.same("databases", len(list), 11)
	for _, d := range list {
		got(c.Delete(s.Context(), d.UUID, account[d1.DatabaseDeleteParams]()))(s)
	}
	_, err = c.Get(s.Context(), db.UUID, account[d1.DatabaseGetParams]())
	s.refusal(err, 404, 7404)
}

func sdkKV(s *sdk) {
	c := kv.NewNamespaceService(s.options...)
	ns := got(c.New(s.Context(), account[kv.NamespaceNewParams]("Title", "sdk-kv")))(s)
	_, err := c.New(s.Context(), account[kv.NamespaceNewParams]("Title", "sdk-kv"))
	s.refusal(err, 400, 10014)
	s.same("title", got(c.Update(s.Context(), ns.ID, account[kv.NamespaceUpdateParams]("Title", "renamed")))(s).Title, "renamed")
	// The SDK's own body is JSON, which Cloudflare documents to be kept as it is.
	got(c.Values.Update(s.Context(), ns.ID, "one", account[kv.NamespaceValueUpdateParams]("Value", "1"), option.WithRequestBody("text/plain", []byte("1"))))(s)
	value := got(c.Values.Get(s.Context(), ns.ID, "one", account[kv.NamespaceValueGetParams]()))(s)
	defer value.Body.Close()
	s.same("value", string(got(io.ReadAll(value.Body))(s)), "1")
	var many []kv.NamespaceBulkUpdateParamsBody
	for _, key := range "abcdefghijkl" {
		many = append(many, with[kv.NamespaceBulkUpdateParamsBody](map[string]any{"Key": string(key), "Value": "v"}))
	}
	got(c.BulkUpdate(s.Context(), ns.ID, account[kv.NamespaceBulkUpdateParams]("Body", many)))(s)
	s.same("keys", len(all(s, c.Keys.ListAutoPaging(s.Context(), ns.ID, account[kv.NamespaceKeyListParams]("Limit", 10)))), 13)
	got(c.BulkDelete(s.Context(), ns.ID, account[kv.NamespaceBulkDeleteParams]("Body", []string{"a", "b"})))(s)
	got(c.Values.Delete(s.Context(), ns.ID, "one", account[kv.NamespaceValueDeleteParams]()))(s)
	for _, title := range "abcde" {
		got(c.New(s.Context(), account[kv.NamespaceNewParams]("Title", string(title))))(s)
	}
	list := all(s, c.ListAutoPaging(s.Context(), account[kv.NamespaceListParams]("PerPage", 5)))
	s.same("namespaces", len(list), 6)
	for _, n := range list {
		got(c.Delete(s.Context(), n.ID, account[kv.NamespaceDeleteParams]()))(s)
	}
	_, err = c.Get(s.Context(), ns.ID, account[kv.NamespaceGetParams]())
	s.refusal(err, 404, 10013)
}

func sdkR2(s *sdk) {
	c := r2.NewBucketService(s.options...)
	got(c.New(s.Context(), account[r2.BucketNewParams]("Name", "sdk-bucket", "LocationHint", "weur")))(s)
	_, err := c.New(s.Context(), account[r2.BucketNewParams]("Name", "sdk-bucket"))
	s.refusal(err, 409, 10004)
	s.same("buckets", len(got(c.List(s.Context(), account[r2.BucketListParams]()))(s).Buckets), 1)
	s.same("class", string(got(c.Edit(s.Context(), "sdk-bucket", account[r2.BucketEditParams]("StorageClass", "InfrequentAccess")))(s).StorageClass), "InfrequentAccess")
	_, err = c.CORS.Get(s.Context(), "sdk-bucket", account[r2.BucketCORSGetParams]())
	s.refusal(err, 404, 10059)
	s.same("rules", len(got(c.Lifecycle.Get(s.Context(), "sdk-bucket", account[r2.BucketLifecycleGetParams]()))(s).Rules), 1)
	s.same("r2.dev", got(c.Domains.Managed.List(s.Context(), "sdk-bucket", account[r2.BucketDomainManagedListParams]()))(s).Enabled, false)
	got(c.Delete(s.Context(), "sdk-bucket", account[r2.BucketDeleteParams]()))(s)
	_, err = c.Get(s.Context(), "sdk-bucket", account[r2.BucketGetParams]())
	s.refusal(err, 404, 10006)
}

func sdkQueues(s *sdk) {
	c := queues.NewQueueService(s.options...)
	q := got(c.New(s.Context(), account[queues.QueueNewParams]("QueueName", "sdk-queue")))(s)
	_, err := c.New(s.Context(), account[queues.QueueNewParams]("QueueName", "sdk-queue"))
	s.refusal(err, 409, 11009)
	renamed := with[queues.QueueParam](map[string]any{"QueueName": "sdk-renamed"})
	s.same("name", got(c.Edit(s.Context(), q.QueueID, account[queues.QueueEditParams]("Queue", renamed)))(s).QueueName, "sdk-renamed")
	s.same("queues", len(all(s, c.ListAutoPaging(s.Context(), account[queues.QueueListParams]()))), 1)
	pull := with[queues.ConsumerNewParamsBodyMqHTTPConsumer](map[string]any{"Type": "http_pull"})
	consumer := got(c.Consumers.New(s.Context(), q.QueueID, account[queues.ConsumerNewParams]("Body", pull)))(s)
	s.same("consumers", len(all(s, c.Consumers.GetAutoPaging(s.Context(), q.QueueID, account[queues.ConsumerGetParams]()))), 1)
	got(c.Consumers.Delete(s.Context(), q.QueueID, consumer.ConsumerID, account[queues.ConsumerDeleteParams]()))(s)
	got(c.Delete(s.Context(), q.QueueID, account[queues.QueueDeleteParams]()))(s)
	_, err = c.Get(s.Context(), q.QueueID, account[queues.QueueGetParams]())
	s.refusal(err, 404, 11000)
}

func sdkVectorize(s *sdk) {
	c := vectorize.NewIndexService(s.options...)
	config := with[vectorize.IndexDimensionConfigurationParam](map[string]any{"Dimensions": 8, "Metric": "cosine"})
	made := account[vectorize.IndexNewParams]("Name", "sdk-index", "Config", config)
	got(c.New(s.Context(), made))(s)
	_, err := c.New(s.Context(), made)
	s.refusal(err, 409, 3002)
	s.same("dimensions", got(c.Get(s.Context(), "sdk-index", account[vectorize.IndexGetParams]()))(s).Config.Dimensions, int64(8))
	s.same("indexes", len(all(s, c.ListAutoPaging(s.Context(), account[vectorize.IndexListParams]()))), 1)
	sdkVectors(s, c)
	got(c.Delete(s.Context(), "sdk-index", account[vectorize.IndexDeleteParams]()))(s)
	preset := with[vectorize.IndexNewParamsConfigVectorizeIndexPresetConfiguration](map[string]any{"Preset": "@cf/baai/bge-small-en-v1.5"})
	index := got(c.New(s.Context(), account[vectorize.IndexNewParams]("Name", "sdk-preset", "Config", preset)))(s)
	s.same("a preset's dimensions", index.Config.Dimensions, int64(384))
}

// sdkWorkers: the typed upload writes its metadata in a way of which no source
// tells what Cloudflare makes of it; the reads and routes need no Worker.
func sdkWorkers(s *sdk) {
	scripts := workers.NewScriptService(s.options...)
	_, err := scripts.ScriptAndVersionSettings.Get(s.Context(), "absent", account[workers.ScriptScriptAndVersionSettingGetParams]())
	s.refusal(err, 404, 10007)
	s.same("scripts", len(all(s, scripts.ListAutoPaging(s.Context(), account[workers.ScriptListParams]()))), 0)
	routes := workers.NewRouteService(s.options...)
	route := got(routes.New(s.Context(), zoned[workers.RouteNewParams](s, "Pattern", "sdk.example/*")))(s)
	_, err = routes.New(s.Context(), zoned[workers.RouteNewParams](s, "Pattern", "sdk.example/*"))
	s.refusal(err, 409, 10020)
	s.same("routes", len(all(s, routes.ListAutoPaging(s.Context(), zoned[workers.RouteListParams](s)))), 1)
	got(routes.Delete(s.Context(), route.ID, zoned[workers.RouteDeleteParams](s)))(s)
	_, err = workers.NewDomainService(s.options...).Update(s.Context(), account[workers.DomainUpdateParams](
		"Environment", "production", "Hostname", "app.sdk.example", "Service", "absent", "ZoneID", s.zone))
	s.refusal(err, 404, 10007)
	s.same("domains", len(all(s, workers.NewDomainService(s.options...).ListAutoPaging(s.Context(), account[workers.DomainListParams]()))), 0)
}
