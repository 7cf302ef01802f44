// Command house checks the rules of CONTRIBUTING.md that no ready-made linter knows: the length of files and
// functions, tests that skip, work left without an issue number, stubs, and words that belong to one machine only.
//
//	house DIR
//
// It looks at what git has or would take (git ls-files), prints a line for each finding, and exits with 1 when there
// is one.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxFile     = 800 // lines of a file that is no test
	maxFunction = 100 // lines of a function that is no test
)

var (
	// Written with classes, so that this file passes its own check.
	machineWord = regexp.MustCompile(`(^|[^a-zA-Z.])/([w]ork|[f]arm|[U]sers)/|\.\./[s]hared|https?://(proxy|registry|files|repo[0-9]?)\.[a-z]+`)
	leftOver    = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b(\(#[0-9]+\))?`)
	stub        = regexp.MustCompile(`(?i)not (yet )?[i]mplemented|[u]nimplemented|placeholder [o]nly|dummy [r]esult|fake [s]ignature`)
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: house DIR")
		os.Exit(2)
	}
	findings, err := check(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

func check(dir string) ([]string, error) {
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("list files of %s: %w", dir, err)
	}
	var findings []string
	seen := 0
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // deleted, and git not yet told
		}
		if err != nil {
			return nil, err
		}
		seen++
		findings = append(findings, checkFile(name, src)...)
	}
	if seen == 0 {
		return nil, fmt.Errorf("%s has no files", dir)
	}
	return findings, nil
}

// checkFile returns the findings in one file, each as "name:line: what is wrong".
func checkFile(name string, src []byte) []string {
	var findings []string
	report := func(line int, format string, args ...any) {
		findings = append(findings, fmt.Sprintf("%s:%d: %s", name, line, fmt.Sprintf(format, args...)))
	}
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 || strings.HasSuffix(name, ".sum") {
		return nil
	}
	for i, line := range bytes.Split(src, []byte("\n")) {
		if word := machineWord.Find(line); word != nil {
			report(i+1, "%q belongs to one machine, not into the project", word)
		}
	}
	if strings.HasSuffix(name, ".go") {
		checkGo(name, src, report)
	}
	return findings
}

func checkGo(name string, src []byte, report func(line int, format string, args ...any)) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		report(1, "%v", err)
		return
	}
	line := func(p token.Pos) int { return fset.Position(p).Line }
	for _, group := range file.Comments {
		for _, c := range group.List {
			for i, text := range strings.Split(c.Text, "\n") {
				if m := leftOver.FindStringSubmatch(text); m != nil && (m[1] != "TODO" || m[2] == "") {
					report(line(c.Pos())+i, "%s without an issue: write TODO(#n)", m[1])
				}
			}
		}
	}
	if strings.HasSuffix(name, "_test.go") {
		checkSkips(file, line, report)
		return
	}
	if n := bytes.Count(src, []byte("\n")); n > maxFile && !ast.IsGenerated(file) {
		report(1, "%d lines; %d is the stop", n, maxFile)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			if n := line(f.End()) - line(f.Pos()) + 1; n > maxFunction && !ast.IsGenerated(file) {
				report(line(f.Pos()), "%s has %d lines; %d is the stop", f.Name.Name, n, maxFunction)
			}
		}
	}
	for i, text := range bytes.Split(src, []byte("\n")) {
		if word := stub.Find(text); word != nil {
			report(i+1, "%q: no stubs", word)
		}
	}
}

// checkSkips finds t.Skip and its like: a missing tool fails a test.
func checkSkips(file *ast.File, line func(token.Pos) int, report func(line int, format string, args ...any)) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		on, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		switch sel.Sel.Name {
		case "Skip", "Skipf", "SkipNow":
			switch on.Name {
			case "t", "b", "f", "tb":
				report(line(call.Pos()), "a test that skips: a missing tool must fail it")
			}
		}
		return true
	})
}
