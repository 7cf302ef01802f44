package appearance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Largest picture that an anchor is given room for, in millimetres.
const (
	leaderWidthMM, leaderHeightMM   = 60.0, 30.0
	initialWidthMM, initialHeightMM = 20.0, 12.0
)

// maxAnchorPages is how many pages, from the last, are searched for an anchor.
const maxAnchorPages = 50

// An Env is the document that a Spec is built for, as far as a stamp needs to
// know it.
type Env struct {
	// Pages is the number of pages; Page returns the geometry of page n, from 1.
	Pages int
	Page  func(n int) (Page, error)
	// Runs returns the text of page n in its view. It may be nil when no Spec
	// has an anchor.
	Runs func(n int) ([]Run, error)
	// Picture returns where the picture of a signed field is painted: its page,
	// and its rectangle in user space (PictureRect of the field, if the field is
	// not as wide as its picture). It may be nil when no Spec has "over".
	Picture func(field string) (page int, picture Rect, err error)
	// Load returns the bytes of a picture by the name in the Spec. The names
	// come from the Spec: it is up to Load to keep to a folder.
	Load func(name string) ([]byte, error)
	// Field is the rectangle in user space of the signature field that exists
	// already, on page FieldPage; nil when a field is to be made. It wins over
	// the place in the Spec.
	Field     *Rect
	FieldPage int
	// Signed is the time of signing that text shows; the signature's /M.
	Signed time.Time
	// Target is the kind of file.
	Target Target
}

// A Stamp is a finished appearance and the place of its widget.
type Stamp struct {
	Form *Form
	Page int  // from 1
	Rect Rect // in user space; the zero value for an invisible signature
}

// Build makes the stamp of a Spec for a document. Besides this package's
// errors it returns those of Env's functions.
func (s *Spec) Build(env Env) (*Stamp, error) {
	// 1. Does the Spec make sense, and which page is it on?
	if err := s.Check(); err != nil {
		return nil, err
	}
	n, err := s.page(env)
	if err != nil {
		return nil, err
	}
	page, err := env.Page(n)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", n, err)
	}
	if s.Kind == KindNone || s.Kind == KindInitial && s.Image == "" {
		return s.invisible(env, page, n)
	}

	// 2. Text: its lines decide how much room it takes.
	if s.Kind == KindText || s.Kind == KindCopy {
		lines := s.lines(env.Signed)
		at, err := s.place(env, page, func() (Place, error) { return TextStampPlace(page, lines) })
		if err != nil {
			return nil, err
		}
		form, err := NewTextForm(at, lines, env.Target)
		return stamp(form, n, at, err)
	}

	// 3. Pictures.
	data, err := env.Load(s.Image)
	if err != nil {
		return nil, fmt.Errorf("loading the picture: %w", err)
	}
	img, err := NewImage("Im0", data, env.Target)
	if err != nil {
		return nil, err
	}
	if s.Kind == KindSeal {
		return s.seal(env, page, n, img)
	}
	at, n, err := s.picturePlace(env, page, n, img)
	if err != nil {
		return nil, err
	}
	form, err := NewLeaderForm(at, img)
	return stamp(form, n, at, err)
}

func stamp(form *Form, n int, at Place, err error) (*Stamp, error) {
	if err != nil {
		return nil, err
	}
	return &Stamp{Form: form, Page: n, Rect: at.Rect}, nil
}

// page resolves the page number against the document.
func (s *Spec) page(env Env) (int, error) {
	n := s.Page
	switch {
	case env.Field != nil:
		n = env.FieldPage
	case n == 0 && (s.Kind == KindText || s.Kind == KindCopy):
		n = 1
	case n == 0 || n == -1:
		n = env.Pages
	}
	if n < 1 || n > env.Pages {
		return 0, &SpecError{"page", fmt.Sprintf("is not one of the document's %d", env.Pages)}
	}
	return n, nil
}

// invisible is a signature without a look: a new field gets no area, one that
// exists keeps its own and stays blank.
func (s *Spec) invisible(env Env, page Page, n int) (*Stamp, error) {
	if env.Field == nil || env.Field.normal().Empty() {
		return &Stamp{Form: &Form{Target: env.Target}, Page: n}, nil
	}
	at, err := page.At(*env.Field)
	return stamp(&Form{BBox: at.BBox, Matrix: at.Matrix, Target: env.Target}, n, at, err)
}

// place is the existing field, else the Spec's rectangle, else what otherwise
// finds.
func (s *Spec) place(env Env, page Page, otherwise func() (Place, error)) (Place, error) {
	switch {
	case env.Field != nil:
		return page.At(*env.Field)
	case s.Rect != nil:
		return page.Place(s.rect(page))
	}
	return otherwise()
}

// rect is the Spec's rectangle in the view of the page.
func (s *Spec) rect(page Page) Rect {
	r := Rect(s.Rect)
	for i, v := range r {
		if s.Unit == "mm" {
			v = MM(v)
		}
		r[i] = v / page.unit()
	}
	return r
}

// picturePlace places a signature's picture or an initial, and returns the
// page with it. A field made for it gets its proportions, so that a seal that
// measures from the field is right.
func (s *Spec) picturePlace(env Env, page Page, n int, img Image) (Place, int, error) {
	if env.Field != nil {
		at, err := page.At(*env.Field)
		return at, n, err
	}
	if s.Rect != nil {
		at, err := page.Place(PictureRect(s.rect(page), img.Width, img.Height))
		return at, n, err
	}
	if s.Anchor == nil || env.Runs == nil {
		return Place{}, 0, &SpecError{"rect", "or anchor is needed where no field exists"}
	}
	// Attachments in the same file follow the signature: without a page in the
	// Spec, the search goes back from the last one.
	first := n
	if s.Page == 0 {
		first = max(1, n-maxAnchorPages+1)
	}
	var failed error
	for ; n >= first; n-- {
		at, err := s.anchored(env, n, img)
		if err == nil {
			return at, n, nil
		}
		var missing *AnchorError
		if !errors.As(err, &missing) {
			return Place{}, 0, err
		}
		if failed == nil || missing.Missing != AnchorName && missing.Missing != AnchorEnd {
			failed = err
		}
	}
	return Place{}, 0, failed
}

// anchored places a picture by the text of page n.
func (s *Spec) anchored(env Env, n int, img Image) (Place, error) {
	page, err := env.Page(n)
	if err != nil {
		return Place{}, fmt.Errorf("page %d: %w", n, err)
	}
	runs, err := env.Runs(n)
	if err != nil {
		return Place{}, fmt.Errorf("text of page %d: %w", n, err)
	}
	if s.Kind == KindInitial {
		r, err := FindEnd(runs, page.MM(initialWidthMM), page.MM(initialHeightMM))
		if err != nil {
			return Place{}, err
		}
		return page.Place(PictureRect(r, img.Width, img.Height))
	}
	a, err := FindAnchor(runs, s.Anchor.Post, s.Anchor.Name)
	if err != nil {
		return Place{}, err
	}
	w := min(a.Room.Width(), page.MM(leaderWidthMM))
	h := min(a.Room.Height(), page.MM(leaderHeightMM))
	x, y := (a.Room[0]+a.Room[2]-w)/2, (a.Room[1]+a.Room[3]-h)/2
	return page.Place(PictureRect(Rect{x, y, x + w, y + h}, img.Width, img.Height))
}

// seal places a seal beside the leader's picture, or where it is told to, and
// checks the overlap whenever the picture is known.
func (s *Spec) seal(env Env, page Page, n int, img Image) (*Stamp, error) {
	var picture Rect
	if s.Over != "" {
		if env.Picture == nil {
			return nil, &SpecError{"over", "names a field, but the document's are not known"}
		}
		on, r, err := env.Picture(s.Over)
		if err != nil {
			return nil, fmt.Errorf("picture of the signature under the seal: %w", err)
		}
		if s.Page == 0 && env.Field == nil && on != n {
			n = on
			if page, err = env.Page(n); err != nil {
				return nil, fmt.Errorf("page %d: %w", n, err)
			}
		}
		if on != n {
			return nil, &SpecError{"over", "names a field on another page"}
		}
		picture = r
	}
	at, err := s.place(env, page, func() (Place, error) {
		if picture.Empty() {
			return Place{}, &SpecError{"over", "or rect is needed where no field exists"}
		}
		return page.SealPlace(picture, s.DiameterMM)
	})
	if err != nil {
		return nil, err
	}
	if !picture.Empty() {
		if err := page.CheckOverlap(picture, at.Rect); err != nil {
			return nil, err
		}
	}
	form, err := NewSealForm(at, img, s.DiameterMM)
	return stamp(form, n, at, err)
}

// lines are the lines of a text stamp.
func (s *Spec) lines(signed time.Time) []string {
	switch {
	case len(s.Lines) > 0:
		lines := slices.Clone(s.Lines)
		for i, l := range lines {
			if strings.TrimSpace(l) == "{time}" {
				lines[i] = Timestamp(signed)
			}
		}
		return lines
	case s.Kind == KindText:
		return AttachmentLines(s.Number, signed)
	}
	form, _ := ParseCopyForm(s.Copy) // Check has seen it
	return CopyLines(form, s.Agency, signed)
}
