// Package arch holds the map of the module: which package may import which. Its test is the source of truth for the
// direction of dependencies.
package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path of this module. Its packages are named relative to it below: "hsm/p11".
const module = "github.com/kyso-vn/kyso"

// layers is the order of the house, lowest first. A house is a package with its sub-packages; a layer holds houses
// that don't know each other. Packages import their own house and the layers beneath.
var layers = [][]string{
	{"hsm", "pki"}, // they meet at crypto.Signer
	{"signer"},
	{"internal/errs"},
	{"internal/blob", "internal/safehttp", "internal/mail"},
	{"internal/job"},
	{"internal/audit"},
	{"internal/auth"},
	{"internal/unit", "internal/agent"},
	{"internal/issuance", "internal/signing"},
	{"internal/routing", "internal/report"},
	{"internal/dms", "internal/partner", "internal/store"},
	{"internal/server"},
	{"internal/config"},
	{"cmd"},
}

// apart are houses for building and judging the others: they may import anything, and no house of a layer imports
// them.
var apart = []string{"internal/arch", "internal/bench", "internal/interop", "internal/testkit"}

// libraries may be imported by other programs; they import nothing of internal, and the houses named.
var libraries = map[string][]string{
	"hsm":    nil,
	"pki":    nil,
	"signer": {"hsm"},
}

// stdOnly are packages (without their sub-packages) that stand on the standard library alone.
var stdOnly = []string{"hsm", "pki", "signer/pdf"}

// guarded are what only some houses or packages of the layers may import, by the prefix of its path.
var guarded = map[string][]string{
	"github.com/miekg/pkcs11":  {"hsm/p11"},
	"hsm/keyring":              {"internal/agent", "cmd"},
	"internal/config":          {"cmd"},
	"internal/store":           {"cmd"},
	"github.com/jmoiron/sqlx":  {"internal/store", "cmd"},
	"github.com/go-chi/chi":    {"internal/server", "cmd"},
	"github.com/digitorus/":    nil,     // a judge in tests
	"github.com/pdfcpu/pdfcpu": {"cmd"}, // only --repair
}

// pkg is a package of the module with what its files, tests apart, import.
type pkg struct {
	name    string // relative to the module
	imports []string
}

// check returns what breaks the map, a sentence each, sorted.
func check(packages []pkg) []string {
	var found []string
	for _, p := range packages {
		report := func(format string, args ...any) {
			found = append(found, p.name+" "+fmt.Sprintf(format, args...))
		}
		if slices.ContainsFunc(apart, func(house string) bool { return within(p.name, house) }) {
			continue
		}
		own := layerOf(p.name)
		if own < 0 {
			report("has no place in the map")
			continue
		}
		for _, imported := range p.imports {
			if why := forbidden(p.name, own, imported); why != "" {
				report("imports %s: %s", imported, why)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// forbidden says why a package of layer own may not import something, or "".
func forbidden(name string, own int, imported string) string {
	rel, ours := strings.CutPrefix(imported, module+"/")
	if slices.Contains(stdOnly, name) && (ours || !standard(imported)) {
		return "it stands on the standard library alone"
	}
	for target, importers := range guarded {
		if target == rel || strings.HasPrefix(rel, strings.TrimSuffix(target, "/")+"/") {
			if !within(name, target) && !slices.ContainsFunc(importers, func(house string) bool { return within(name, house) }) {
				return fmt.Sprintf("only %v may", importers)
			}
		}
	}
	if !ours {
		return ""
	}
	if slices.ContainsFunc(apart, func(house string) bool { return within(rel, house) }) {
		return "it is for tests, benchmarks and judges"
	}
	for library, strangers := range libraries {
		if !within(name, library) {
			continue
		}
		if within(rel, "internal") {
			return "a library imports nothing of internal"
		}
		if slices.ContainsFunc(strangers, func(house string) bool { return within(rel, house) }) {
			return "they don't know each other"
		}
	}
	switch theirs := layerOf(rel); {
	case theirs < 0:
		return "it has no place in the map"
	case theirs > own:
		return "it stands higher"
	case theirs == own && houseOf(rel) != houseOf(name):
		return "they don't know each other"
	}
	return ""
}

// within reports whether a package is a house or one of its sub-packages.
func within(name, house string) bool {
	return name == house || strings.HasPrefix(name, house+"/")
}

func layerOf(name string) int {
	return slices.IndexFunc(layers, func(layer []string) bool {
		return slices.ContainsFunc(layer, func(house string) bool { return within(name, house) })
	})
}

func houseOf(name string) string {
	for _, house := range slices.Concat(layers...) {
		if within(name, house) {
			return house
		}
	}
	return ""
}

// standard reports whether an import is of the standard library. cgo's "C" is not: it is somebody's C library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return imported != "C" && !strings.Contains(first, ".")
}

// load reads the imports of every Go file under root that is no test, whatever its build constraints, leaving out
// nested modules and folders that the go command leaves out.
func load(root string) ([]pkg, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(root, file, d.Name())
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		src, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name := path.Clean(filepath.ToSlash(rel))
		found[name] = append(found[name], []string{}...)
		for _, spec := range src.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[name] = append(found[name], imported)
		}
		return nil
	})
	var packages []pkg
	for name, imports := range found {
		slices.Sort(imports)
		packages = append(packages, pkg{name, slices.Compact(imports)})
	}
	return packages, err
}

// enter decides whether load looks into a folder: nil for yes.
func enter(root, dir, name string) error {
	if dir == root {
		return nil
	}
	if name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return filepath.SkipDir
	}
	if rel, err := filepath.Rel(root, dir); err == nil && (rel == "var" || rel == "bin") {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}
