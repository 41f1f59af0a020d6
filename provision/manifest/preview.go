package manifest

import (
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"golang.org/x/net/publicsuffix"
)

// sampleEnvironment is the preview that Parse looks at, in place of all that may
// come. No pull request has that number.
const sampleEnvironment = "pr-0"

// preview is what is special about a stage that is a preview's.
type preview struct {
	workersDev bool
	compare    bool // refuse what would still be production's
}

// of is what the kind of an entry is told.
func (p *preview) of(st *stage, e *entry) *provision.Preview {
	if p == nil {
		return nil
	}
	out := &provision.Preview{Production: st.manifest.Domain, WorkersDev: p.workersDev}
	for _, res := range st.manifest.resources {
		if p.compare && res.name == e.key.Name {
			out.JSON = res.value.json()
		}
	}
	return out
}

// Preview gives what a preview wants: production with "previews" merged in, under
// names of its own. What is shared is not in it. The error is or joins
// *provision.Problems.
func (m *Manifest) Preview(name string, c Catalog) (Desired, error) {
	if err := m.previewName(name); err != nil {
		return Desired{}, err
	}
	r := &report{source: m.source, told: map[string]bool{}}
	st, err := m.previewStage(name, r, nil, c)
	if err != nil {
		return Desired{}, err
	}
	st.preview.compare = true
	st.resolve(c)
	st.checkReferences()
	stages := []*stage{st}
	for _, other := range append([]string{Production}, m.Environments...) {
		o, err := m.prepare(other, r, nil)
		if err != nil {
			return Desired{}, err
		}
		o.resolve(c)
		stages = slices.Insert(stages, len(stages)-1, o)
	}
	checkNames(stages, r)
	if err := r.err(); err != nil {
		return Desired{}, err
	}
	return Desired{Project: m.Name, Environment: name, Account: st.account, Domain: st.domain, WorkersDev: st.preview.workersDev, Resources: st.ordered()}, nil
}

// Names gives the real names that production's resources have in a preview, by
// kind: "queue/shop-jobs". Those that it leaves out have an empty one; those that
// are shared are not there.
func (m *Manifest) Names(name string, c Catalog) (map[string]string, error) {
	production, err := m.Desired(Production, c)
	if err != nil {
		return nil, err
	}
	desired, err := m.Preview(name, c)
	if err != nil {
		return nil, err
	}
	byKey := map[provision.Key]string{}
	for _, res := range desired.Resources {
		byKey[res.Key] = res.Name
	}
	out := map[string]string{}
	for _, res := range production.Resources {
		if _, shared := m.previews.sharedAt[res.Key]; !shared && res.Name != "" {
			out[res.Key.Kind+"/"+res.Name] = byKey[res.Key]
		}
	}
	return out, nil
}

// previewName refuses what no preview can be called.
func (m *Manifest) previewName(name string) error {
	form := &report{source: m.source}
	checkName(nowhere, "the preview", name, environmentForm(), maxEnvironment, form)
	switch {
	case len(form.found) > 0:
		f := form.found[0]
		return problem(m.source.place(nowhere), f.text, f.hints...)
	case slices.Contains(reserved, name):
		return problem(m.source.place(nowhere), "a preview cannot be called "+quote(name), "choose another name, such as "+quote("pr-7"))
	case m.overlay(name) != nil:
		return problem(m.source.place(m.environmentAt(name)), "the environment "+quote(name)+" is declared, and a preview comes and goes", "choose another name, such as "+quote("pr-7"), "or: cfboot apply --env "+name)
	}
	return nil
}

func (m *Manifest) environmentAt(name string) int {
	for _, env := range m.environments {
		if env.name == name {
			return env.at
		}
	}
	return nowhere
}

// samplePreview looks at what "previews" says, as any preview will have it. Only
// what depends on a preview's being made is left for then.
func (m *Manifest) samplePreview(r *report, ch *checker, c Catalog) (*stage, error) {
	st, err := m.previewStage(sampleEnvironment, r, ch, c)
	if err != nil {
		return nil, err
	}
	st.resolve(c)
	st.checkReferences()
	st.checkBindings()
	return st, nil
}

// previewStage merges "previews" into production.
func (m *Manifest) previewStage(name string, r *report, ch *checker, c Catalog) (*stage, error) {
	st := m.stage(name, r)
	st.preview = &preview{workersDev: m.Domain == "" && m.previews.Domain == "" || onWorkersDev(m.previews.Domain)}
	st.over = &overlay{name: name, at: m.previews.at, domain: m.previewHost(name), account: m.Account, resources: m.previews.resources}
	if why, hint := domainFault(st.over.domain); st.over.domain != "" && why != "" {
		r.add(m.previews.at, "the host of a preview, "+quote(st.over.domain)+", "+why, `give "previews" a "domain" of its own`, hint)
		st.over.domain = standInDomain
	}
	if err := st.merge(ch); err != nil {
		return nil, err
	}
	if sub, ok := strings.CutSuffix(m.previews.Domain, "."+workersDev); ok {
		if worker := st.ownWorker(c); worker != "" {
			st.domain = worker + "." + sub + "." + workersDev
		}
	}
	return st, nil
}

// previewHost is where a preview answers; empty on workers.dev.
//
// The certificate that every zone has covers the zone and one level below it. So
// production's own labels and the preview's name become one label: pr-7.shop.example,
// but app-pr-7.example.com, for pr-7.app.example.com would have no certificate.
func (m *Manifest) previewHost(name string) string {
	switch {
	case onWorkersDev(m.previews.Domain), m.previews.Domain == "" && m.Domain == "":
		return ""
	case m.previews.Domain != "":
		return strings.ReplaceAll(m.previews.Domain, "{env}", name)
	}
	zone, err := publicsuffix.EffectiveTLDPlusOne(m.Domain)
	below, deeper := strings.CutSuffix(m.Domain, "."+zone)
	if err != nil || !deeper {
		return name + "." + m.Domain
	}
	return strings.ReplaceAll(below, ".", "-") + "-" + name + "." + zone
}

// ownWorker is the real name of the Worker that answers: the one called app, or
// the only one.
func (st *stage) ownWorker(c Catalog) string {
	var workers []*entry
	for _, e := range st.entries {
		if e.key.Kind == workerKind && e.sound {
			workers = append(workers, e)
		}
	}
	i := slices.IndexFunc(workers, func(e *entry) bool { return e.key.Name == "app" })
	if i < 0 && len(workers) != 1 {
		return ""
	}
	resources, _, err := c.Resolve(st.spec(workers[max(i, 0)], st.names()))
	if err != nil || len(resources) == 0 {
		return ""
	}
	return resources[0].Name
}

// unshared takes out of a preview's entries what is production's also there, and
// production's protection, which a preview could not be taken down with.
func (st *stage) unshared() {
	if st.preview == nil {
		return
	}
	for _, e := range st.entries {
		if at, shared := st.manifest.previews.sharedAt[e.key]; shared {
			st.left[e.key.Name], e.value = at, nil
			continue
		}
		if i := slices.IndexFunc(e.value.members, func(m member) bool { return m.name == provision.ProtectSetting }); i >= 0 {
			bare := *e.value
			bare.members = slices.Delete(slices.Clone(e.value.members), i, i+1)
			e.value = &bare
		}
	}
}
