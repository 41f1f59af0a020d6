package templates

import "slices"

// Angular is the frontend that there is: an application in web/, with a
// package.json of its own, whose build is served in place of the pages in public/.
const Angular = "angular"

// PrimeNG are components that can be added to Angular, beside Ionic's.
const PrimeNG = "primeng"

// Frontends lists those that a pattern may say it takes.
func Frontends() []string { return []string{Angular} }

// UIs lists what can be added to a frontend.
func UIs() []string { return []string{PrimeNG} }

// TakesFrontend reports whether a project of the pattern can have this frontend.
func (p Pattern) TakesFrontend(name string) bool { return slices.Contains(p.Frontends, name) }

// Frontend gives the files of a project whose pages are those of v.Frontend and
// v.UI.
func Frontend(files []File, v Values) ([]File, error) {
	files, err := change(files, "with/frontend-"+v.Frontend, "--frontend "+v.Frontend, v)
	if err == nil && v.UI != "" {
		files, err = change(files, "with/ui-"+v.UI, "--ui "+v.UI, v)
	}
	return files, err
}
