package pades

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// Limits of the structure tree that is read for its keys.
const (
	maxTreeDepth = 16
	maxTreeNodes = 1 << 16
)

// Tooltips are what assistive software reads out for a widget without one of its own (ISO 14289-1, Section 7.18.1).
const (
	tooltipSignature = "Chữ ký số"
	tooltipStamp     = "Dấu thời gian"
	tooltipText      = "Ô văn bản"
)

// structure is the structure tree of a tagged file (ISO 32000-1, Section 14.7), as far as a new widget needs it.
type structure struct {
	root   *pdf.Editor
	parent *pdf.Editor // of a new element
	next   int64       // the key that no object has yet
}

// openStructure returns the structure tree, nil when the file is not tagged or its tree is not as the standard wants it: a
// widget without a tag is better than a tree that is worse than before.
func openStructure(u *pdf.Update) (*structure, error) {
	catalog, err := pdf.RootRef(u)
	if err != nil {
		return nil, err
	}
	d, err := pdf.Catalog(u)
	if err != nil {
		return nil, err
	}
	ref, ok := d.Get("StructTreeRoot").(pdf.Ref)
	if !ok {
		return nil, nil
	}
	tree, err := pdf.DictAt(u, ref)
	if err != nil || tree == nil {
		return nil, err
	}
	next, ok, err := nextKey(u, tree)
	if err != nil || !ok {
		return nil, err
	}
	e, err := u.Edit(catalog)
	if err != nil {
		return nil, err
	}
	s := &structure{next: next}
	if s.root, err = e.Sub("StructTreeRoot"); err != nil {
		return nil, err
	}
	s.parent, err = s.section(u, tree)
	return s, err
}

// sections are the elements that hold other blocks (ISO 32000-1, Table 333).
var sections = []pdf.Name{"Document", "Part", "Art", "Sect", "Div"}

// section is the parent of a new element: the only element below the root when it is one that groups others, else the root.
func (s *structure) section(u *pdf.Update, tree *pdf.Dict) (*pdf.Editor, error) {
	o := tree.Get("K")
	if list, err := pdf.ArrayAt(u, o); err != nil {
		return nil, err
	} else if len(list) == 1 {
		o = list[0]
	}
	ref, ok := o.(pdf.Ref)
	if !ok {
		return s.root, nil
	}
	d, err := pdf.DictAt(u, ref)
	if err != nil || d == nil || !slices.Contains(sections, d.Name("S")) {
		return s.root, err
	}
	return u.Edit(ref)
}

// nextKey is a key behind all those of the parent tree; false when the tree can't be read to its end.
func nextKey(s pdf.Source, tree *pdf.Dict) (int64, bool, error) {
	next, nodes := int64(0), 0
	if n, ok := tree.Int("ParentTreeNextKey"); ok && n > 0 {
		next = n
	}
	var walk func(o pdf.Object, depth int) (bool, error)
	walk = func(o pdf.Object, depth int) (bool, error) {
		if nodes++; depth > maxTreeDepth || nodes > maxTreeNodes {
			return false, nil
		}
		d, err := pdf.DictAt(s, o)
		if err != nil || d == nil {
			return false, err
		}
		nums, ok, err := list(s, d, "Nums")
		if err != nil || !ok {
			return false, err
		}
		for i := 0; i+1 < len(nums); i += 2 {
			key, ok := nums[i].(pdf.Integer)
			if !ok || key < 0 || key > 1<<31-2 {
				return false, nil
			}
			next = max(next, int64(key)+1)
		}
		kids, ok, err := list(s, d, "Kids")
		if err != nil || !ok {
			return false, err
		}
		for _, kid := range kids {
			if ok, err := walk(kid, depth+1); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	}
	if !tree.Has("ParentTree") {
		return next, true, nil
	}
	ok, err := walk(tree.Get("ParentTree"), 0)
	return next, ok, err
}

// list is the array under key, empty when there is nothing; false when there is something else.
func list(s pdf.Source, d *pdf.Dict, key pdf.Name) (pdf.Array, bool, error) {
	o, err := s.Resolve(d.Get(key))
	if err != nil || o == nil {
		return nil, err == nil, err
	}
	a, ok := o.(pdf.Array)
	return a, ok, nil
}

// add puts a Form element for a widget at the end of the tree, and its key into the parent tree.
func (s *structure) add(u *pdf.Update, widget pdf.Ref, page *pdf.Page) error {
	// 1. The element.
	element, err := u.Add(pdf.Map{
		"Type": pdf.Name("StructElem"), "S": pdf.Name("Form"), "P": s.parent.Ref(), "Pg": page.Ref,
		"K": pdf.Map{"Type": pdf.Name("OBJR"), "Obj": widget, "Pg": page.Ref},
	})
	if err != nil {
		return err
	}
	if err := addKid(s.parent, element); err != nil {
		return err
	}
	// 2. The way from the widget to it. The new key is the highest: it goes to the end, in a tree with nodes into one of
	// its own.
	key := pdf.Integer(s.next)
	parents, err := s.parentTree(u)
	if err != nil {
		return err
	}
	d, err := parents.Dict()
	if err != nil {
		return err
	}
	if d.Has("Kids") {
		leaf, err := u.Add(pdf.Map{"Limits": pdf.Array{key, key}, "Nums": pdf.Array{key, element}})
		if err != nil {
			return err
		}
		err = parents.Append("Kids", leaf)
		if err != nil {
			return err
		}
	} else if err := parents.Append("Nums", key, element); err != nil {
		return err
	}
	return s.root.Set("ParentTreeNextKey", key+1)
}

// parentTree edits the parent tree, which becomes an object of its own when it is none: its next change is then one of
// itself, not of the root.
func (s *structure) parentTree(u *pdf.Update) (*pdf.Editor, error) {
	root, err := s.root.Dict()
	if err != nil {
		return nil, err
	}
	if _, indirect := root.Get("ParentTree").(pdf.Ref); !indirect {
		ref, err := u.Add(mapOf(root.Get("ParentTree")))
		if err != nil {
			return nil, err
		}
		if err := s.root.Set("ParentTree", ref); err != nil {
			return nil, err
		}
	}
	return s.root.Sub("ParentTree")
}

// addKid appends to K, which may be an array, a single kid, or nothing.
func addKid(parent *pdf.Editor, kid pdf.Ref) error {
	d, err := parent.Dict()
	if err != nil {
		return err
	}
	there, err := parent.Get("K")
	if err != nil {
		return err
	}
	if _, many := there.(pdf.Array); many || there == nil {
		return parent.Append("K", kid)
	}
	return parent.Set("K", pdf.Array{d.Get("K"), kid})
}

// orderByStructure has readers move through a page with annotations in the order of its structure (ISO 14289-1, Section
// 7.18.3), unless the page says otherwise.
func orderByStructure(u *pdf.Update, page *pdf.Page) error {
	e, err := u.Edit(page.Ref)
	if err != nil {
		return err
	}
	if tabs, err := e.Get("Tabs"); err != nil || tabs != nil {
		return err
	}
	return e.Set("Tabs", pdf.Name("S"))
}
