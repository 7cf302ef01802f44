package pdf

import (
	"fmt"
	"slices"
)

// ActiveKind is a kind of content that acts when the file is opened or used.
type ActiveKind string

// The kinds that ActiveContent reports.
const (
	JavaScript   ActiveKind = "javascript"
	Launch       ActiveKind = "launch"        // starts a program
	SubmitForm   ActiveKind = "submit_form"   // sends the form's data away
	ImportData   ActiveKind = "import_data"   // fills the form from a file
	RichMedia    ActiveKind = "rich_media"    // Flash, 3D, screen, movie, sound annotations
	XFA          ActiveKind = "xfa"           // an XML form
	ExternalFile ActiveKind = "external_file" // a stream or a page is in another file
	RemoteGoTo   ActiveKind = "remote_goto"   // a link into another file
)

// Finding is one piece of active content.
type Finding struct {
	Kind ActiveKind
	Ref  Ref // the indirect object that holds it
}

// maxActiveObjects bounds the scan, and maxFindings what it reports.
const (
	maxActiveObjects = 1 << 20
	maxFindings      = 1000
)

// ActiveContent looks through every object in use of a revision, reachable or
// not, and reports what acts. Nothing is run, resolved or fetched; contents of
// streams other than object streams are not looked at. The scan reads the whole
// file but stream data.
func ActiveContent(v *View) ([]Finding, error) {
	if quiet, err := v.quiet(); err != nil || quiet {
		return nil, err
	}
	return v.searchActive()
}

// searchActive looks into every object.
func (v *View) searchActive() ([]Finding, error) {
	var found []Finding
	n := 0
	for num, e := range v.Objects() {
		if n++; n > maxActiveObjects {
			return nil, refuse(TooLarge, "more than %d objects to look through", maxActiveObjects)
		}
		ind, err := v.Load(Ref{num, e.Gen})
		if err != nil {
			return nil, err
		}
		first := len(found)
		activeIn(ind.Value, func(k ActiveKind) {
			if f := (Finding{k, ind.Ref}); len(found) < maxFindings && !slices.Contains(found[first:], f) {
				found = append(found, f)
			}
		})
	}
	return found, nil
}

// actionKinds maps an action's S (Section 12.6.4).
var actionKinds = map[Name]ActiveKind{
	"JavaScript": JavaScript, "Launch": Launch, "SubmitForm": SubmitForm, "ImportData": ImportData,
	"Rendition": RichMedia, "Movie": RichMedia, "Sound": RichMedia, "RichMediaExecute": RichMedia,
	"GoTo3DView": RichMedia, "GoToR": RemoteGoTo, "GoToE": RemoteGoTo,
}

// annotationKinds maps an annotation's Subtype (Section 12.5.6).
var annotationKinds = map[Name]ActiveKind{
	"RichMedia": RichMedia, "3D": RichMedia, "Screen": RichMedia, "Movie": RichMedia, "Sound": RichMedia,
}

// activeIn walks an object's direct parts; the parser bounds their depth.
func activeIn(o Object, report func(ActiveKind)) {
	switch v := o.(type) {
	case Array:
		for _, e := range v {
			activeIn(e, report)
		}
	case *Stream:
		if _, flags := v.Get("F").(Integer); v.Has("F") && !flags || v.Has("FFilter") {
			report(ExternalFile)
		}
		activeDict(v.Dict, report)
	case *Dict:
		activeDict(v, report)
	}
}

func activeDict(d *Dict, report func(ActiveKind)) {
	if k, ok := actionKinds[d.Name("S")]; ok {
		report(k)
	}
	// Types outside of annotations have these names too, but no Rect.
	if k, ok := annotationKinds[d.Name("Subtype")]; ok && d.Has("Rect") {
		report(k)
	}
	if d.Has("XFA") {
		report(XFA)
	}
	if d.Name("FS") == "URL" {
		report(ExternalFile)
	}
	if d.Has("Ref") && d.Name("Subtype") == "Form" {
		report(ExternalFile) // a reference XObject shows a page of another file
	}
	for _, e := range d.Entries {
		if e.Key == "JS" || e.Key == "JavaScript" && e.Value != nil {
			report(JavaScript)
		}
		activeIn(e.Value, report)
	}
}

// String returns the kind and where it is.
func (f Finding) String() string { return fmt.Sprintf("%s in object %v", f.Kind, f.Ref) }
