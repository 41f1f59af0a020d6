package emulator

import "fmt"

// tables are all records of the emulated Cloudflare, and the orders in which
// they are found.
type tables struct {
	accounts      *table[*account]
	accountsByAge *index[*account]

	tokens         *table[*apiToken]
	tokensByDigest *index[*apiToken]
	tokensByOwner  *index[*apiToken]
	spent          *table[*spentToken]

	zones       *table[*zone]
	zonesByName *index[*zone]

	databases       *table[*database]
	databasesByName *index[*database]
	databasesByAge  *index[*database]
	bookmarks       *table[*bookmark]
	bookmarksByTime *index[*bookmark]

	namespaces        *table[*namespace]
	namespacesByTitle *index[*namespace]
	namespacesByID    *index[*namespace]
	kvKeys            *table[*kvKey]
	kvKeysByName      *index[*kvKey]

	buckets        *table[*bucket]
	bucketsByName  *index[*bucket]
	objects        *table[*object]
	objectsByKey   *index[*object]
	uploads        *table[*partedUpload]
	uploadsByKey   *index[*partedUpload]
	parts          *table[*part]
	partsByNumber  *index[*part]
	bucketDomains  *table[*bucketDomain]
	domainsByHost  *index[*bucketDomain]
	domainsByOwner *index[*bucketDomain]

	queues           *table[*queue]
	queuesByName     *index[*queue]
	queuesByAge      *index[*queue]
	consumers        *table[*consumer]
	consumersByQueue *index[*consumer]
	consumersByWork  *index[*consumer]
	messages         *table[*message]
	messagesByQueue  *index[*message]

	records         *table[*dnsRecord]
	recordsByName   *index[*dnsRecord]
	recordsByAge    *index[*dnsRecord]
	recordsByDomain *index[*dnsRecord]

	routes         *table[*workerRoute]
	routesByZone   *index[*workerRoute]
	routesByScript *index[*workerRoute]

	domains         *table[*workerDomain]
	domainsByName   *index[*workerDomain]
	domainsByScript *index[*workerDomain]

	scripts          *table[*script]
	scriptsByName    *index[*script]
	versions         *table[*version]
	versionsByScript *index[*version]
	deployments      *table[*deployment]
	deploysByScript  *index[*deployment]

	links         *table[*link]
	linksByTarget *index[*link]
	linksByScript *index[*link]

	doNamespaces    *table[*doNamespace]
	doByScript      *index[*doNamespace]
	doByAge         *index[*doNamespace]
	workflows       *table[*workflow]
	workflowsByName *index[*workflow]
	assetSessions   *table[*assetSession]
	sessionsByToken *index[*assetSession]
	tagSets         *table[*tagSet]
	tagsByAccount   *index[*tagSet]
}

func newTables(s *store) tables {
	var t tables
	t.accounts = newTable(s, "account", func() *account { return new(account) })
	t.accountsByAge = t.accounts.by(func(*account) string { return key("all", "") })
	t.tokens = newTable(s, "token", func() *apiToken { return new(apiToken) })
	t.tokensByDigest = t.tokens.by(func(a *apiToken) string { return key(a.Digest) })
	t.tokensByOwner = t.tokens.by(func(a *apiToken) string { return key(a.Account, "") })
	t.spent = newTable(s, "spent_token", func() *spentToken { return new(spentToken) })
	t.zones = newTable(s, "zone", func() *zone { return new(zone) })
	t.zonesByName = t.zones.by(func(z *zone) string { return key(z.Name) })
	t.newStorageTables(s)
	t.newQueueTables(s)
	t.newZoneTables(s)
	t.newWorkerTables(s)
	return t
}

func (t *tables) newStorageTables(s *store) {
	t.databases = newTable(s, "d1", func() *database { return new(database) })
	t.databasesByName = t.databases.by(func(d *database) string { return key(d.Account, d.Name) })
	t.databasesByAge = t.databases.by(func(d *database) string { return key(d.Account, "") })
	t.bookmarks = newTable(s, "d1_bookmark", func() *bookmark { return new(bookmark) })
	t.bookmarksByTime = t.bookmarks.by(func(b *bookmark) string { return key(b.Database, "") })
	t.namespaces = newTable(s, "kv", func() *namespace { return new(namespace) })
	t.namespacesByTitle = t.namespaces.by(func(n *namespace) string { return key(n.Account, n.Title) })
	t.namespacesByID = t.namespaces.by(func(n *namespace) string { return key(n.Account, n.ID) })
	t.kvKeys = newTable(s, "kv_key", func() *kvKey { return new(kvKey) })
	t.kvKeysByName = t.kvKeys.by(func(k *kvKey) string { return key(k.Namespace, k.Name) })
	t.buckets = newTable(s, "r2", func() *bucket { return new(bucket) })
	t.bucketsByName = t.buckets.by(func(b *bucket) string { return key(b.Account, b.Jurisdiction, b.Name) })
	t.objects = newTable(s, "r2_object", func() *object { return new(object) })
	t.objectsByKey = t.objects.by(func(o *object) string { return key(o.Bucket, o.Key) })
	t.uploads = newTable(s, "r2_upload", func() *partedUpload { return new(partedUpload) })
	t.uploadsByKey = t.uploads.by(func(u *partedUpload) string { return key(u.Bucket, u.Key) })
	t.parts = newTable(s, "r2_part", func() *part { return new(part) })
	t.partsByNumber = t.parts.by(func(p *part) string { return key(p.Upload, fmt.Sprintf("%05d", p.Number)) })
	t.bucketDomains = newTable(s, "r2_domain", func() *bucketDomain { return new(bucketDomain) })
	t.domainsByHost = t.bucketDomains.by(func(d *bucketDomain) string { return key(d.Domain) })
	t.domainsByOwner = t.bucketDomains.by(func(d *bucketDomain) string { return key(d.Bucket, d.Domain) })
}

func (t *tables) newQueueTables(s *store) {
	t.queues = newTable(s, "queue", func() *queue { return new(queue) })
	t.queuesByName = t.queues.by(func(q *queue) string { return key(q.Account, q.Name) })
	t.queuesByAge = t.queues.by(func(q *queue) string { return key(q.Account, "") })
	t.consumers = newTable(s, "consumer", func() *consumer { return new(consumer) })
	t.consumersByQueue = t.consumers.by(func(c *consumer) string { return key(c.Queue, c.ID) })
	t.consumersByWork = t.consumers.by(func(c *consumer) string { return key(c.Account, c.Script) })
	t.messages = newTable(s, "message", func() *message { return new(message) })
	t.messagesByQueue = t.messages.by(func(m *message) string { return key(m.Queue, "") })
}

func (t *tables) newZoneTables(s *store) {
	t.records = newTable(s, "dns", func() *dnsRecord { return new(dnsRecord) })
	t.recordsByName = t.records.by(func(r *dnsRecord) string { return key(r.Zone, r.Name) })
	t.recordsByAge = t.records.by(func(r *dnsRecord) string { return key(r.Zone, "") })
	t.recordsByDomain = t.records.by(func(r *dnsRecord) string {
		if r.Domain == "" {
			return ""
		}
		return key(r.Domain)
	})
	t.routes = newTable(s, "route", func() *workerRoute { return new(workerRoute) })
	t.routesByZone = t.routes.by(func(r *workerRoute) string { return key(r.Zone, r.Pattern) })
	t.routesByScript = t.routes.by(func(r *workerRoute) string { return key(r.Account, r.Script) })
	t.domains = newTable(s, "domain", func() *workerDomain { return new(workerDomain) })
	t.domainsByName = t.domains.by(func(d *workerDomain) string { return key(d.Account, d.Hostname) })
	t.domainsByScript = t.domains.by(func(d *workerDomain) string { return key(d.Account, d.Service) })
}

func (t *tables) newWorkerTables(s *store) {
	t.scripts = newTable(s, "worker", func() *script { return new(script) })
	t.scriptsByName = t.scripts.by(func(w *script) string { return key(w.Account, w.Name) })
	t.versions = newTable(s, "version", func() *version { return new(version) })
	t.versionsByScript = t.versions.by(func(v *version) string { return key(v.Script, "") })
	t.deployments = newTable(s, "deployment", func() *deployment { return new(deployment) })
	t.deploysByScript = t.deployments.by(func(d *deployment) string { return key(d.Script, "") })
	t.links = newTable(s, "link", func() *link { return new(link) })
	t.linksByTarget = t.links.by(func(l *link) string { return key(l.Account, l.Kind, l.Target) })
	t.linksByScript = t.links.by(func(l *link) string { return key(l.Script, l.ID) })
	t.doNamespaces = newTable(s, "durable_object", func() *doNamespace { return new(doNamespace) })
	t.doByScript = t.doNamespaces.by(func(n *doNamespace) string { return key(n.Script, n.Class) })
	t.doByAge = t.doNamespaces.by(func(n *doNamespace) string { return key(n.Account, "") })
	t.workflows = newTable(s, "workflow", func() *workflow { return new(workflow) })
	t.workflowsByName = t.workflows.by(func(f *workflow) string { return key(f.Account, f.Name) })
	t.assetSessions = newTable(s, "asset_session", func() *assetSession { return new(assetSession) })
	t.sessionsByToken = t.assetSessions.by(func(a *assetSession) string {
		if a.Completion == "" {
			return ""
		}
		return key(a.Completion)
	})
	t.tagSets = newTable(s, "tag", func() *tagSet { return new(tagSet) })
	t.tagsByAccount = t.tagSets.by(func(x *tagSet) string { return key(x.Account, "") })
}

// registerAll puts every product's endpoints into the router.
func (s *Server) registerAll() {
	s.registerAccounts()
	s.registerTokens()
	s.registerZones()
	s.registerD1()
	s.registerKV()
	s.registerR2()
	s.registerQueues()
	s.registerDNS()
	s.registerRoutes()
	s.registerDomains()
	s.registerScripts()
	s.registerTags()
}

// A product is a part of Cloudflare that stands in one file: it makes its tables,
// puts its endpoints into the router, and says under which word Count and
// Resources show what there is. The products that others refer to (what is bound,
// routed or tagged) have their tables above instead.
type product func(*Server) (kind string, list func() []Resource)

var products []product

// provide adds a product, from the file that it stands in.
func provide(p product) struct{} {
	products = append(products, p)
	return struct{}{}
}

// Count says how many resources there are of each kind: d1, kv, r2, queue,
// consumer, dns, route, domain, worker; a kind that has none is in the map with 0.
// A product that stands in one file is in it where it has any.
// DNS records that belong to a custom domain are not counted.
func (s *Server) Count() map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := map[string]int{
		"d1":       len(s.databases.rows),
		"kv":       len(s.namespaces.rows),
		"r2":       len(s.buckets.rows),
		"queue":    len(s.queues.rows),
		"consumer": len(s.consumers.rows),
		"dns":      len(s.records.rows) - len(s.recordsByDomain.entries),
		"route":    len(s.routes.rows),
		"domain":   len(s.domains.rows),
		"worker":   len(s.scripts.rows),
	}
	for kind, list := range s.lists {
		if have := len(list()); have > 0 {
			n[kind] = have
		}
	}
	return n
}
