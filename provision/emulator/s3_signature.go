package emulator

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	s3Algorithm = "AWS4-HMAC-SHA256"
	s3TimeForm  = "20060102T150405Z"
	// maxSkew is how far a signature's time may be from the emulator's.
	maxSkew = 15 * time.Minute
	// maxPresign is how long a presigned URL may be good, in seconds.
	maxPresign = 604800
)

// s3Regions are those that R2 takes, and the alias of auto.
var s3Regions = []string{"wnam", "enam", "weur", "eeur", "apac", "oc", "auto"}

// s3Signature is what a request says of its signature (AWS Signature Version 4).
type s3Signature struct {
	keyID     string // the access key
	scope     string // date/region/s3/aws4_request
	region    string
	headers   []string // signed
	given     string   // hex
	at        time.Time
	expires   time.Duration // of a presigned URL, else 0
	payload   string        // hash of the body, or what stands for it
	presigned bool
}

// readSignature finds the signature in the header or, presigned, in the query.
func readSignature(r *http.Request) (*s3Signature, error) {
	q := r.URL.Query()
	if q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Signature") {
		return readPresigned(q)
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return nil, invalidArgument("Authorization") // R2's text for a request that is not signed
	}
	fields, is := strings.CutPrefix(header, s3Algorithm)
	if !is {
		return nil, refuse(http.StatusUnauthorized, 10002, "Unauthorized")
	}
	sig := &s3Signature{payload: r.Header.Get("X-Amz-Content-Sha256")}
	credential := ""
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			sig.headers = strings.Split(value, ";")
		case "Signature":
			sig.given = value
		}
	}
	if sig.payload == "" {
		return nil, refuse(http.StatusBadRequest, s3InvalidRequest, "Missing x-amz-content-sha256")
	}
	return sig, sig.read(credential, cmp.Or(r.Header.Get("X-Amz-Date"), r.Header.Get("Date")))
}

func readPresigned(q url.Values) (*s3Signature, error) {
	sig := &s3Signature{presigned: true, payload: cmp.Or(q.Get("X-Amz-Content-Sha256"), "UNSIGNED-PAYLOAD"),
		headers: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), given: q.Get("X-Amz-Signature")}
	if q.Get("X-Amz-Algorithm") != s3Algorithm {
		return nil, invalidArgument("X-Amz-Algorithm")
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > maxPresign {
		return nil, invalidArgument("X-Amz-Expires must be between 1 and %d seconds", maxPresign)
	}
	sig.expires = time.Duration(seconds) * time.Second
	return sig, sig.read(q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"))
}

// read takes credential and date apart.
func (sig *s3Signature) read(credential, date string) error {
	keyID, scope, _ := strings.Cut(credential, "/")
	part := strings.Split(scope, "/")
	if len(part) != 4 || part[2] != "s3" || part[3] != "aws4_request" || sig.given == "" || !slices.Contains(sig.headers, "host") {
		return invalidArgument("Authorization")
	}
	if len(keyID) != 32 {
		return invalidArgument("Credential access key has length %d, should be 32", len(keyID))
	}
	sig.keyID, sig.scope, sig.region = keyID, scope, part[1]
	if sig.region != "" && sig.region != "us-east-1" && !slices.Contains(s3Regions, sig.region) {
		return refuse(http.StatusBadRequest, s3InvalidRegion, "The region name '%s' is not valid. Must be one of: %s", sig.region, strings.Join(s3Regions, ", "))
	}
	at, err := time.Parse(s3TimeForm, date)
	if err != nil {
		if at, err = http.ParseTime(date); err != nil {
			return invalidArgument("X-Amz-Date")
		}
	}
	if at.UTC().Format("20060102") != part[0] {
		return invalidArgument("Authorization")
	}
	sig.at = at.UTC()
	return nil
}

// timely says whether the signature may still be used.
func (sig *s3Signature) timely(now time.Time) error {
	late := now.Sub(sig.at)
	switch {
	case late < -maxSkew, !sig.presigned && late > maxSkew:
		return refuse(http.StatusForbidden, s3Skewed, "The difference between the request time and the server's time is too large.")
	case sig.presigned && late > sig.expires:
		return refuse(http.StatusBadRequest, 10018, "Request has expired")
	}
	return nil
}

// signedBy says whether the request was signed with the secret.
func (sig *s3Signature) signedBy(secret string, r *http.Request) bool {
	return hmac.Equal([]byte(sig.sign(secret, sig.canonical(r))), []byte(sig.given))
}

// key derives the day's key from the secret.
func (sig *s3Signature) key(secret string) []byte {
	k := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(sig.scope, "/") {
		k = mac(k, part)
	}
	return k
}

func (sig *s3Signature) sign(secret, canonical string) string {
	return hex.EncodeToString(mac(sig.key(secret), strings.Join([]string{s3Algorithm, sig.at.Format(s3TimeForm), sig.scope, digest(canonical)}, "\n")))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical is the request as it is signed.
func (sig *s3Signature) canonical(r *http.Request) string {
	var headers strings.Builder
	for _, name := range sig.headers {
		fmt.Fprintf(&headers, "%s:%s\n", name, signedHeader(r, name))
	}
	return strings.Join([]string{r.Method, canonicalPath(r.URL.EscapedPath()), canonicalQuery(r.URL.RawQuery), headers.String(),
		strings.Join(sig.headers, ";"), sig.payload}, "\n")
}

// signedHeader is a header's value, blanks folded; net/http keeps some elsewhere.
func signedHeader(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		values = []string{r.Host}
	case name == "content-length" && len(values) == 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	case name == "transfer-encoding" && len(values) == 0:
		values = r.TransferEncoding
	}
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(folded, ",")
}

// canonicalPath writes a path with exactly the escapes of S3.
func canonicalPath(escaped string) string {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return cmp.Or(strings.ReplaceAll(awsEscape(plain), "%2F", "/"), "/")
}

// canonicalQuery sorts a query, without the signature itself.
func canonicalQuery(raw string) string {
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || pair == "" || n == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, awsEscape(n)+"="+awsEscape(v))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// awsEscape escapes every byte but letters, digits and -._~.
func awsEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
