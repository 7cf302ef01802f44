package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountsAndClosingLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		json, last string
		has        []string
		fails      bool
	}{
		"all pass": {
			json: `go test ./...
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}`,
			has: []string{"go test ./...\n", "ok  \tp\t0.1s\n"}, last: "2 passed, 0 failed\n",
		},
		"a test fails and is shown": {
			json: `{"Action":"output","Package":"p","Test":"TestA","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`,
			has: []string{"why\n", "FAIL\tp\t0.1s\n"}, last: "1 passed, 1 failed\n", fails: true,
		},
		"a package that does not build is a failure": {
			json: `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
{"Action":"pass","Package":"q","Test":"TestB"}`,
			has: []string{"undefined: x", "FAIL\tp [build failed]\n"}, last: "1 passed, 1 failed\n", fails: true,
		},
		"a panic outside of tests shows the package's output": {
			json: `{"Action":"output","Package":"p","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`,
			has: []string{"panic: boom\n"}, last: "0 passed, 1 failed\n", fails: true,
		},
		"no test is no success": {json: "", last: "0 passed, 0 failed\n", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "test.json")
			if err := os.WriteFile(file, []byte(c.json), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := run([]string{file}, &out); (err != nil) != c.fails {
				t.Errorf("error is %v, want one: %v", err, c.fails)
			}
			for _, part := range c.has {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%q is missing in\n%s", part, out.String())
				}
			}
			if strings.Contains(out.String(), "quiet") || !strings.HasSuffix(out.String(), c.last) {
				t.Errorf("got\n%s\nwant nothing of passed tests and the end %q", out.String(), c.last)
			}
		})
	}
}
