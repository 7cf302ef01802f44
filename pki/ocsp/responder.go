package ocsp

import (
	"context"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// StatusSource knows what a CA issued and revoked.
type StatusSource interface {
	// Status returns one status for each serial number, in order. A serial
	// number that the CA didn't issue, or whose certificate isn't recorded as
	// issued yet, has the zero Status. What it says of a revocation must be true
	// as soon as the revocation was acknowledged. It is called by many
	// goroutines at once. An error makes the responder answer tryLater.
	Status(ctx context.Context, issuer *x509.Certificate, serials []pki.Serial) ([]Status, error)
}

// Config describes the responder of one CA.
type Config struct {
	// Issuer is the CA's certificate. Required.
	Issuer *x509.Certificate
	// Certificate is the delegated responder's (profile "ocsp"); nil if the CA
	// answers with its own key.
	Certificate *x509.Certificate
	// Signer holds the key of Certificate, or the CA's.
	Signer crypto.Signer
	// Source of statuses. Required.
	Source StatusSource
	// Validity from thisUpdate to nextUpdate; 0 is one hour.
	Validity time.Duration
	// Fresh is how long an answer is given again without asking the source; 0
	// is 10 s, negative asks each time. It bounds how late a revocation is seen
	// by responders that nobody told of it (see Responder.Forget).
	Fresh time.Duration
	// Retention is how long revocations of expired certificates are known
	// (archiveCutoff); 0 leaves the extension out.
	Retention time.Duration
	// PSS: an RSA key signs by RSASSA-PSS.
	PSS bool
	// Limits of a request.
	Limits Limits
	// MaxCached answers are kept; 0 is 10,000, about 10 MB. Negative keeps none.
	MaxCached int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Responder answers for one CA. It may be used by many goroutines if its signer
// may.
type Responder struct {
	config  Config
	scheme  pki.Signature
	keyHash [sha1.Size]byte
	issuer  map[crypto.Hash]CertID // serial number left zero
	cache   *cache
}

// New checks c and makes the responder.
func New(c Config) (*Responder, error) {
	if c.Issuer == nil || c.Signer == nil || c.Source == nil {
		return nil, &pki.Error{Code: ErrConfig, Detail: "issuer, signer and source are required"}
	}
	own := c.Issuer
	if c.Certificate != nil {
		own = c.Certificate
		if err := checkDelegate(own, c.Issuer); err != nil {
			return nil, err
		}
	}
	public, ok := own.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(c.Signer.Public()) {
		return nil, &pki.Error{Code: ErrConfig, Field: "certificate", Detail: "not for the signer's key"}
	}
	if c.Validity == 0 {
		c.Validity = time.Hour
	}
	if c.Fresh == 0 {
		c.Fresh = 10 * time.Second
	}
	if c.MaxCached == 0 {
		c.MaxCached = 10_000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	r := &Responder{config: c, issuer: map[crypto.Hash]CertID{}, cache: newCache(c.MaxCached)}
	var err error
	if r.scheme, err = pki.SignatureFor(own.PublicKey, c.PSS); err != nil {
		return nil, err
	}
	key, err := publicKeyBits(own.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	r.keyHash = sha1.Sum(key)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		if r.issuer[hash], err = NewCertID(c.Issuer, pki.Serial{}, hash); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Answer is one response with what HTTP needs to know of it.
type Answer struct {
	// DER of the OCSPResponse.
	DER []byte
	// Status says whether it is a real answer.
	Status ResponseStatus
	// ThisUpdate and NextUpdate bound a real answer's validity.
	ThisUpdate, NextUpdate time.Time
	// Cacheable: the answer may be given to others: it has no nonce, and no
	// certificate in it is unknown (it may be issued the next moment).
	Cacheable bool
}

// Respond answers one DER request. There is always an answer; the error, for
// the caller's log, says why it isn't a real one, or why an answer from the
// cache was given where a new one should have been signed.
func (r *Responder) Respond(ctx context.Context, request []byte) (*Answer, error) {
	parsed, err := ParseRequest(request, r.config.Limits)
	if err != nil {
		return refusal(MalformedRequest), err
	}
	return r.answer(ctx, parsed)
}

// refusal is the unsigned answer with that status.
func refusal(status ResponseStatus) *Answer {
	return &Answer{DER: errorResponse(status), Status: status}
}

func (r *Responder) answer(ctx context.Context, request *Request) (*Answer, error) {
	// 1. Ours? Nothing is signed for who asks about other CAs only.
	var serials []pki.Serial
	var places []int
	for i, id := range request.IDs {
		if own, ok := r.issuer[id.Hash]; ok && own.sameIssuer(id) {
			serials, places = append(serials, id.Serial), append(places, i)
		}
	}
	if len(serials) == 0 {
		return refusal(Unauthorized), &pki.Error{Code: ErrNotAuthorized}
	}
	// 2. Answered a moment ago?
	now := r.config.Now().UTC()
	key, cacheable := cacheKey(request)
	if cacheable {
		if hit := r.cache.get(key); hit != nil && now.Before(hit.freshUntil) && now.Before(hit.answer.NextUpdate) {
			return &hit.answer, nil
		}
	}
	// 3. Ask.
	epoch := r.cache.epoch()
	statuses, err := r.config.Source.Status(ctx, r.config.Issuer, serials)
	if err == nil && len(statuses) != len(serials) {
		err = fmt.Errorf("%d statuses for %d serial numbers", len(statuses), len(serials))
	}
	if err != nil {
		return refusal(TryLater), &pki.Error{Code: ErrSource, Err: err}
	}
	all := make([]Status, len(request.IDs)) // others stay unknown
	for i, place := range places {
		if all[place], err = statuses[i].checked(); err != nil {
			return refusal(InternalError), err
		}
	}
	// 4. The same as before: the old signature still serves.
	old := r.cache.get(key)
	if cacheable && old.serves(all, now) && now.Before(old.answer.ThisUpdate.Add(r.config.Validity/2)) {
		return r.keep(key, epoch, &old.answer, all, now), nil
	}
	// 5. Sign, or, while the signer is away, repeat what is still true.
	answer, err := r.sign(ctx, request, all, now)
	if err != nil {
		if cacheable && old.serves(all, now) {
			return &old.answer, err
		}
		return refusal(TryLater), err
	}
	if cacheable && answer.Cacheable {
		return r.keep(key, epoch, answer, all, now), nil
	}
	return answer, nil
}

// checked refuses what a source can't mean.
func (s Status) checked() (Status, error) {
	if s.State == Revoked && (!s.Reason.Revokes() || s.RevokedAt.IsZero()) {
		return Status{}, &pki.Error{Code: ErrSource, Detail: "revoked without a time or for no reason"}
	}
	if s.State != Revoked && s.State != Good {
		return Status{}, nil
	}
	return s, nil
}

func (r *Responder) sign(ctx context.Context, request *Request, statuses []Status, now time.Time) (*Answer, error) {
	now = now.Truncate(time.Second)
	next := now.Add(r.config.Validity)
	if c := r.config.Certificate; c != nil {
		if now.After(c.NotAfter) || now.Before(c.NotBefore) {
			return nil, &pki.Error{Code: ErrConfig, Field: "certificate", Detail: "responder certificate not valid now"}
		}
		if next.After(c.NotAfter) {
			next = c.NotAfter.UTC()
		}
	}
	d := &responseData{keyHash: r.keyHash, producedAt: now, nonce: request.Nonce}
	cacheable := request.Nonce == nil
	for i, id := range request.IDs {
		one := Single{ID: id, Status: statuses[i], ThisUpdate: now, NextUpdate: next}
		if r.config.Retention > 0 {
			one.ArchiveCutoff = now.Add(-r.config.Retention)
		}
		cacheable = cacheable && one.State != Unknown
		d.responses = append(d.responses, one)
	}
	der, err := d.sign(ctx, r.config.Signer, r.scheme, r.config.Certificate)
	if err != nil {
		return nil, err
	}
	return &Answer{DER: der, ThisUpdate: now, NextUpdate: next, Cacheable: cacheable}, nil
}

// keep puts an answer into the cache unless somebody has emptied it since the
// source was asked.
func (r *Responder) keep(key string, epoch uint64, answer *Answer, statuses []Status, now time.Time) *Answer {
	if r.config.Fresh > 0 {
		r.cache.put(key, epoch, &cached{answer: *answer, statuses: statuses, freshUntil: now.Add(r.config.Fresh)})
	}
	return answer
}

// Forget drops what is cached about serial. Call it when a status has changed,
// after the change is committed.
func (r *Responder) Forget(serial pki.Serial) { r.cache.forget(serial) }
