package validate

import (
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// checkModifications compares what each signature signed with the document as it is now.
// Everything is denied but what a rule allows.
func (v *verifier) checkModifications() error {
	if err := v.checkCertification(); err != nil {
		return err
	}
	last := len(v.r.Revisions()) - 1
	behind, err := v.strayBytes()
	if err != nil {
		return err
	}
	for _, c := range v.found {
		if c.revision < 0 || c.failed() && c.end == 0 {
			continue
		}
		if behind > c.end {
			c.sig.Modification = Other
			c.sig.judge(Failed, FormatFailure, "bytes_behind")
		}
		if c.revision == last {
			continue
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if err := c.checkModification(v.r.At(c.revision), v.last); err != nil {
			return err
		}
	}
	return nil
}

// checkModification runs the comparison for one signature and judges what it found.
func (c *candidate) checkModification(old, last *pdf.View) error {
	x := newComparison(c, old, last)
	if err := x.run(); err != nil {
		var refused *pdf.Error
		if !errors.As(err, &refused) || refused.Reason == pdf.ReadFailed {
			return err
		}
		// What can't be read can't be compared.
		x.fault("unreadable: " + string(refused.Reason))
	}
	s := c.sig
	slices.Sort(x.filled)
	s.FilledFields, s.Changes = x.filled, x.faults
	s.Modification = worse(s.Modification, x.level)
	ruled := c.rules.level > 0 || len(c.rules.locks) > 0
	switch {
	case len(x.locked) > 0:
		s.DocMDPOK, s.Modification = false, Other
		s.judge(Failed, FormatFailure, "field_locked", x.locked[0])
	case x.level == Other:
		s.DocMDPOK = s.DocMDPOK && !ruled
		s.judge(Failed, FormatFailure, "modified", x.faults[0])
	case x.level == Annotations && c.rules.level == 3 && c.v.o.AllowAnnotations:
		s.note("modified_annotations")
	case x.level == Annotations && c.rules.level == 3:
		s.judge(Indeterminate, SigConstraints, "modified_annotations")
	case x.level == Annotations:
		s.DocMDPOK = s.DocMDPOK && !ruled
		s.judge(Failed, FormatFailure, "modified_annotations")
	case x.level == FormFilling && c.rules.level == 1:
		s.DocMDPOK = false
		s.judge(Failed, FormatFailure, "docmdp_broken")
	case x.level == FormFilling:
		s.note("fields_filled")
	}
	return nil
}

var gravity = []Modification{None, LTAUpdates, FormFilling, Annotations, Other}

func worse(a, b Modification) Modification {
	return gravity[max(slices.Index(gravity, a), slices.Index(gravity, b))]
}

// comparison looks for differences between the revision that was signed and the last one. It
// walks both from the trailer. On the way special rules stand at the few places that may
// change; everything else is reached strictly, and a changed object that is reached strictly
// is a fault, however it is also reached. Objects that nothing reaches show nothing.
type comparison struct {
	c        *candidate
	old, new *pdf.View
	changed  map[uint32]bool // by content; added and freed objects too
	added    map[uint32]bool // of those, the ones that were not there

	// judged are dictionaries that a rule compares key by key: they may be reached strictly
	// as well, since a dictionary with a role has it wherever it is referred to.
	judged  map[uint32]bool
	queue   []step
	visited map[uint32]bool

	names   map[string]bool // of all fields there were
	widgets map[uint32]*newWidget
	level   Modification
	filled  []string
	locked  []string
	faults  []string
}

// step is a reference that must lead to what it led to before.
type step struct {
	ref pdf.Ref
	via string
}

const maxFaults = 20

func newComparison(c *candidate, old, last *pdf.View) *comparison {
	return &comparison{c: c, old: old, new: last, judged: map[uint32]bool{}, visited: map[uint32]bool{},
		names: map[string]bool{}, widgets: map[uint32]*newWidget{}, level: None}
}

func (x *comparison) fault(what string) {
	x.level = Other
	if len(x.faults) < maxFaults && !slices.Contains(x.faults, what) {
		x.faults = append(x.faults, what)
	}
}

func (x *comparison) raise(m Modification) { x.level = worse(x.level, m) }

// run compares.
func (x *comparison) run() error {
	// 1. Which objects differ by content.
	if err := x.findChanged(); err != nil {
		return err
	}
	// 2. The places that may change, each by its rule.
	if err := x.trailer(); err != nil {
		return err
	}
	// 3. Everything else.
	if len(x.changed) > 0 {
		if err := x.walk(); err != nil {
			return err
		}
	}
	// 4. New widgets must not cover what was signed.
	return x.checkWidgets()
}

// trailer compares the trailers: Root and Encrypt stay; ID, Size and the like belong to the
// update; Info may have new dates.
func (x *comparison) trailer() error {
	before, after := x.old.Trailer(), x.new.Trailer()
	if !equal(before.Get("Root"), after.Get("Root")) {
		x.fault("Root")
		return nil
	}
	if !equal(before.Get("Encrypt"), after.Get("Encrypt")) {
		x.fault("Encrypt")
	}
	if x.old.Reader().Encrypted() && !equal(firstID(before), firstID(after)) { // part of the key
		x.fault("ID")
	}
	x.strict(after.Get("Encrypt"), "Encrypt")
	if err := x.info(before.Get("Info"), after.Get("Info")); err != nil {
		return err
	}
	root, err := pdf.RootRef(x.new)
	if err != nil {
		return err
	}
	return x.catalog(root)
}

// firstID is the file's permanent identifier (ISO 32000-1, Section 14.4).
func firstID(trailer *pdf.Dict) pdf.Object {
	if a, ok := trailer.Get("ID").(pdf.Array); ok && len(a) > 0 {
		return a[0]
	}
	return nil
}

// strict demands that what o refers to, and all behind it, is as it was.
func (x *comparison) strict(o pdf.Object, via string) {
	switch v := o.(type) {
	case pdf.Ref:
		if !x.visited[v.Num] {
			x.queue = append(x.queue, step{v, via})
		}
	case pdf.Array:
		for _, item := range v {
			x.strict(item, via)
		}
	case *pdf.Dict:
		for _, e := range v.Entries {
			x.strict(e.Value, via)
		}
	case *pdf.Stream:
		x.strict(v.Dict, via)
	}
}

// walk follows the strict references.
func (x *comparison) walk() error {
	for n := 0; len(x.queue) > 0 && len(x.faults) < maxFaults; n++ {
		if n%1024 == 0 {
			if err := x.c.v.ctx.Err(); err != nil {
				return err
			}
		}
		s := x.queue[len(x.queue)-1]
		x.queue = x.queue[:len(x.queue)-1]
		if x.visited[s.ref.Num] || x.judged[s.ref.Num] {
			continue
		}
		x.visited[s.ref.Num] = true
		if x.changed[s.ref.Num] {
			x.fault(s.via)
			continue
		}
		ind, err := x.new.Load(s.ref)
		if err != nil {
			return err
		}
		x.strict(ind.Value, s.via)
	}
	return nil
}
