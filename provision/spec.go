package provision

// A Spec is one resource object of the manifest, ready to be resolved by its
// kind: the environment is merged in and it is valid by the kind's schema.
type Spec struct {
	Project     string
	Environment string // "production" unless named
	Domain      string // the environment's domain, or empty
	Key         Key
	Name        string            // the "name" setting, or empty
	Names       map[string]string // the "name" settings of every resource, by logical name
	JSON        []byte            // the whole object as standard JSON
	Preview     *Preview          // set where the environment is a preview
}

// A Preview is what a kind has to know of an environment that lives beside
// production for a while and must not touch what is production's.
type Preview struct {
	Production string // production's domain; a host in it is the preview's host of that part
	WorkersDev bool   // it has no host in a zone: a kind that lives in one resolves to nothing
	JSON       []byte // the object as production has it; nil: there it is not, or not to be compared
}

// A Ref says that one resource needs another, and where the manifest says so.
type Ref struct {
	From, To Key
	Path     string // JSON pointer inside the resource object: "/consumer/worker"
}

// A SettingError is a fault in one setting of a resource object.
type SettingError struct {
	Path  string // JSON pointer inside the resource object
	Text  string
	Hints []string
}

func (e *SettingError) Error() string { return e.Text }

// Production is the environment that is meant when none is named.
const Production = "production"

// A Binding is one place in wrangler.jsonc that says what a resource is: an
// element of a list, or without a Match one key of an object, such as a variable.
type Binding struct {
	Section []string       // "d1_databases"; "queues", "producers"; "routes"; "vars", "SITE_KEY"
	Match   BindingField   // what the element is found by: binding = "DB"
	Set     []BindingField // what it shall say, in this order where it is new; of a key its value, without a name
	Shared  bool           // the section is inherited by environments when they leave it out
}

// A BindingField is one key of an element of wrangler.jsonc.
type BindingField struct {
	Name  string
	Value any
}
