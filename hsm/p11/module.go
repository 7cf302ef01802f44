package p11

import (
	"context"
	"crypto/subtle"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// Pauses between attempts to initialise a lost module again.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
)

// modules is the one piece of global state here, because a PKCS#11 library is
// one: C_Initialize, C_Finalize and the login belong to the process. A module
// stays loaded for ever (libraries seldom survive dlclose), and is finalized
// when its last Token closes.
var modules = struct {
	sync.Mutex
	byPath map[string]*module
}{byPath: map[string]*module{}}

// module is a loaded library, shared by the Tokens of this process.
type module struct {
	path string
	lib  *pkcs11.Ctx
	gate gate // callers enter; initialising is done alone

	refs    int  // Tokens; under modules.Mutex
	foreign bool // someone else called C_Initialize: never finalize; under modules.Mutex and gate

	// generation counts C_Initialize calls. It changes only alone in the gate,
	// and never while someone is inside.
	generation atomic.Uint64

	loginMu sync.Mutex
	logins  map[uint]*login // by slot, of this generation

	heal healer
}

// login is what this process knows about a slot it logged into.
type login struct {
	pin     string
	proven  bool // the token accepted pin; false when someone else had logged in
	keepers int  // Tokens with an idle session there; at 0 the token logs us out
}

// openModule loads and initialises the library, or takes the one already there.
func openModule(path string) (*module, error) {
	real, err := modulePath(path)
	if err != nil {
		return nil, &hsm.Error{Code: hsm.CodeModuleMissing, Op: "load PKCS#11 module", Subject: path, Err: err}
	}
	modules.Lock()
	defer modules.Unlock()
	m := modules.byPath[real]
	if m == nil {
		lib := pkcs11.New(real)
		if lib == nil {
			return nil, &hsm.Error{Code: hsm.CodeModuleMissing, Op: "load PKCS#11 module", Subject: path,
				Err: errors.New("not a PKCS#11 library for this machine, or one that it needs is missing")}
		}
		m = &module{path: real, lib: lib}
		modules.byPath[real] = m
	}
	if m.refs == 0 {
		if err := m.gate.alone(context.Background(), m.initialise); err != nil {
			return nil, &hsm.Error{Code: hsm.CodeModuleFailed, Op: "initialise PKCS#11 module", Subject: path, Err: err}
		}
	}
	m.refs++
	return m, nil
}

// modulePath follows links, so that two names of one library share its state. A
// bare name is left to the dynamic linker.
func modulePath(path string) (string, error) {
	if path == "" {
		return "", errors.New("no module path given")
	}
	if !strings.ContainsRune(path, filepath.Separator) {
		return path, nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", errors.New("not a file")
	}
	return real, nil
}

// close gives one reference back.
func (m *module) close() {
	modules.Lock()
	defer modules.Unlock()
	m.refs--
	if m.refs > 0 || m.foreign {
		return
	}
	_ = m.gate.alone(context.Background(), func() error { // cannot fail: the context never ends
		m.generation.Add(1)
		m.logins = nil
		return m.lib.Finalize()
	})
}

// initialise calls C_Initialize. Alone in the gate.
func (m *module) initialise() error {
	err := m.lib.Initialize() // miekg/pkcs11 asks for CKF_OS_LOCKING_OK
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		m.foreign = true
		err = nil
	} else {
		m.foreign = false
	}
	if err != nil {
		return err
	}
	m.generation.Add(1)
	m.logins = map[uint]*login{}
	return nil
}

// reinitialise makes the library look at its tokens anew. All handles and
// logins of the process are gone afterwards; Tokens notice by the generation.
// It does so only when the generation is still seen, so that many who notice
// the same loss act once.
func (m *module) reinitialise(ctx context.Context, seen uint64) error {
	return m.gate.alone(ctx, func() error {
		if m.generation.Load() != seen || m.foreign {
			return nil
		}
		_ = m.lib.Finalize() // a lost library may refuse; C_Initialize tells
		return m.initialise()
	})
}

// login logs a session's slot in, trying the PIN at most once. Inside the gate.
func (m *module) login(slot uint, keeper pkcs11.SessionHandle, pin string) error {
	m.loginMu.Lock()
	defer m.loginMu.Unlock()
	l := m.logins[slot]
	// The library would not look at the PIN of a second login: compare ourselves.
	if l != nil && l.proven && subtle.ConstantTimeCompare([]byte(l.pin), []byte(pin)) != 1 {
		return pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)
	}
	err := m.lib.Login(keeper, pkcs11.CKU_USER, pin)
	if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return err
	}
	if l == nil {
		l = &login{}
		m.logins[slot] = l
	}
	if err == nil {
		l.pin, l.proven = pin, true
	}
	l.keepers++
	return nil
}

// forget closes a keeper session. Inside the gate, in the keeper's generation.
func (m *module) forget(slot uint, keeper pkcs11.SessionHandle) {
	m.loginMu.Lock()
	defer m.loginMu.Unlock()
	if l := m.logins[slot]; l != nil {
		l.keepers--
		if l.keepers == 0 {
			delete(m.logins, slot)
		}
	}
	_ = m.lib.CloseSession(keeper) // gone either way
}
