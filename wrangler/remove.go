package wrangler

// remove takes items out of a box, each with the comma after it, and the line
// if nothing else is on it. If the last item goes and had no comma, neither has
// the one that is last then. Comments between items stay.
func (d *document) remove(b box, gone func(i int) bool) []splice {
	var cuts []splice
	kept, lastKept := 0, -1
	for i, it := range b.items {
		if !gone(i) {
			kept, lastKept = kept+1, i
			continue
		}
		cuts = append(cuts, d.cut(it)...)
	}
	if len(cuts) == 0 {
		return nil
	}
	if kept == 0 && !d.commented(b) {
		return []splice{{b.open + 1, b.close, ""}}
	}
	if n := len(b.items); lastKept >= 0 && lastKept < n-1 && b.items[n-1].comma < 0 {
		comma := b.items[lastKept].comma
		at := 0
		for at < len(cuts) && cuts[at].start < comma {
			at++
		}
		cuts = append(cuts[:at:at], append([]splice{{comma, comma + 1, ""}}, cuts[at:]...)...)
	}
	return d.tidy(b, d.join(cuts))
}

// cut returns the bytes of an item and its comma, and leaves alone a comment
// between the two.
func (d *document) cut(it item) []splice {
	switch {
	case it.comma < 0:
		return []splice{{it.start, it.end, ""}}
	case hasComment(d.src, it.end, it.comma):
		return []splice{{it.start, it.end, ""}, {it.comma, it.comma + 1, ""}}
	}
	return []splice{{it.start, it.comma + 1, ""}}
}

// join makes one cut of neighbours with nothing but spaces between them.
func (d *document) join(cuts []splice) []splice {
	out := cuts[:1]
	for _, c := range cuts[1:] {
		last := &out[len(out)-1]
		if skipBlanks(d.src, last.end, c.start) == c.start {
			last.end = c.end
			continue
		}
		out = append(out, c)
	}
	return out
}

// tidy widens each cut over the space that would be left without a purpose: the
// whole line, or else the blanks on one side. A comma that stood close behind an
// item leaves the blanks before the comment that follows.
func (d *document) tidy(b box, cuts []splice) []splice {
	for i := range cuts {
		c := &cuts[i]
		before := skipBlanksBack(d.src, c.start, b.open+1)
		after := skipBlanks(d.src, c.end, b.close)
		first, broken := firstOnLine(d.src, c.start), lineBreakAt(d.src, after)
		switch {
		case first && broken > 0:
			c.start, c.end = before, after+broken
		case broken > 0 || after == b.close && !first:
			c.start = before
		case first || before < c.start || before == b.open+1:
			c.end = after
		}
	}
	return cuts
}

// commented reports whether comments stand between the items of a box.
func (d *document) commented(b box) bool {
	for i, it := range b.items {
		from, to := b.gap(i)
		if hasComment(d.src, from, to) || it.comma >= 0 && hasComment(d.src, it.end, it.comma) {
			return true
		}
	}
	from, to := b.gap(len(b.items))
	return hasComment(d.src, from, to)
}
