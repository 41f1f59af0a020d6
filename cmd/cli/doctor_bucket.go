package cli

// checkBucket looks, where the state is in a bucket, whether that can be read and
// written; false: the state cannot be looked at. Nothing is written by it.
func (d *doctor) checkBucket() bool {
	w, err := d.whereabouts(d.Dir, d.target.env())
	switch {
	case err != nil && d.project == nil:
		d.skip("state", "where it is stands in %s, which cannot be read", manifestFile)
		return false
	case err != nil:
		d.fail("state", err)
		return false
	case w.bucket.Name == "":
		if d.inCI() && !d.offline {
			d.warn("state", "this is CI, and the state is a file of this machine: nothing is made here without --allow-local-state",
				"keep it in an R2 bucket: cfboot state init, or of a project that has one: cfboot state migrate --to r2://BUCKET/PREFIX")
		}
		return true
	case d.offline:
		d.skip("state", "it is in %s, which is not looked at offline", w.bucket)
		return false
	}
	if err := d.usable(w); err != nil {
		d.deny("state", err)
		return false
	}
	d.ok("state", "%s can be read and written", w.bucket)
	return true
}
