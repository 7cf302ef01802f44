package interop

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed dss/DSS.java dss/pom.xml verapdf/VeraPDF.java verapdf/pom.xml pyhanko/judge.py pyhanko/requirements.txt
var sources embed.FS

// Tools are the judges that Debian doesn't have: EU DSS and veraPDF by Maven, pyHanko by pip. What is missing in Dir is
// downloaded when a judge is first asked; later nothing is. It must not be copied.
type Tools struct {
	Dir string // absolute; made when there is none

	mu sync.Mutex // held while something is downloaded
}

// java returns the command line of a judge that is one Java file beside its pom.xml.
func (t *Tools) java(ctx context.Context, name, main string) ([]string, error) {
	pom, err := sources.ReadFile(name + "/pom.xml")
	if err != nil {
		return nil, err
	}
	dir, err := t.prepare(name, pom, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "pom.xml"), pom, 0o600); err != nil {
			return err
		}
		args := []string{"--quiet", "--batch-mode", "--file", filepath.Join(dir, "pom.xml"), "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory=" + filepath.Join(dir, "lib")}
		if _, err := judge(ctx, "mvn", append([]string{"--offline"}, args...)...); err == nil {
			return nil
		}
		_, err := judge(ctx, "mvn", args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, err := source(dir, name+"/"+main)
	// The first compiler alone is quicker in a process that lives for seconds.
	return []string{"java", "-Xmx1g", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(dir, "lib", "*"), file}, err
}

// python returns the command line of a judge that is a script beside its requirements.txt.
func (t *Tools) python(ctx context.Context, name, script string) ([]string, error) {
	list := name + "/requirements.txt"
	requirements, err := sources.ReadFile(list)
	if err != nil {
		return nil, err
	}
	dir, err := t.prepare(name, requirements, func(dir string) error {
		if _, err := judge(ctx, "python3", "-m", "venv", filepath.Join(dir, "venv")); err != nil {
			return err
		}
		file, err := source(dir, list)
		if err != nil {
			return err
		}
		_, err = judge(ctx, filepath.Join(dir, "venv", "bin", "pip"), "install", "--quiet", "--no-input", "--disable-pip-version-check",
			"--only-binary=:all:", "--requirement", file)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, err := source(dir, name+"/"+script)
	return []string{filepath.Join(dir, "venv", "bin", "python"), file}, err
}

// prepare has fill make the folder of a judge, once for each content of its list of libraries.
func (t *Tools) prepare(name string, list []byte, fill func(dir string) error) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := sha256.Sum256(list)
	dir := filepath.Join(t.Dir, name+"-"+hex.EncodeToString(sum[:4]))
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", err
	}
	if err := fill(dir); err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	return dir, os.WriteFile(complete, nil, 0o600)
}

// source writes one of our files into dir and returns where it is.
func source(dir, name string) (string, error) {
	data, err := sources.ReadFile(name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, filepath.Base(name))
	// Others may be reading the same text: it is replaced whole.
	temporary, err := os.CreateTemp(dir, "source-")
	if err != nil {
		return "", err
	}
	_, err = temporary.Write(data)
	return file, errors.Join(err, temporary.Close(), os.Rename(temporary.Name(), file))
}

// ask gives a judge the jobs, a line each, and reads its reports, a line of JSON each.
func ask[R any](ctx context.Context, command []string, jobs []string) ([]R, error) {
	out, err := judgeInput(ctx, strings.NewReader(strings.Join(jobs, "\n")+"\n"), command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	var reports []R
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r R
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return reports, nil
		} else if err != nil {
			return nil, fmt.Errorf("a report of %s: %w", filepath.Base(command[0]), err)
		}
		reports = append(reports, r)
	}
}
