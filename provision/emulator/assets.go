package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"time"
)

// assetSession is an upload of static files. Its JWT is only a name for it:
// before all files have come it lets them be uploaded, afterwards a second one
// completes the script upload.
type assetSession struct {
	row
	Account, Script string
	Manifest        map[string]assetFile // by path
	Missing         []string             // hashes still to come
	Completion      string               // the token that completes, "" before
}

type assetFile struct {
	Hash string `json:"hash"`
	Size int64  `json:"size"`
}

// versionAssets are the static files of a version.
type versionAssets struct {
	Manifest map[string]assetFile
	Config   json.RawMessage
}

// Limits of static assets: files, bytes of one, and files in an upload bucket.
const (
	maxAssets      = 100000
	maxAssetSize   = 25 << 20
	assetsInBucket = 50
)

func (s *Server) registerAssets(base string) {
	s.on("POST", base+"/assets-upload-session", groupScripts, s.assetsSession)
	// The session's token is the credential here.
	s.on("POST", "accounts/{account}/workers/assets/upload", anyToken, s.uploadAssets).session = true
}

// assetToken makes a token that looks like a JWT and expires in an hour.
func (s *Server) assetToken(c *call) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(quoteJSON(v)) }
	return part(map[string]string{"alg": "none", "typ": "JWT"}) + "." +
		part(map[string]any{"exp": time.Now().Add(time.Hour).Unix(), "iat": c.x.now.Unix(), "id": newID()}) + ".emulator"
}

func assetBlob(account, hash string) string { return "asset/" + account + "/" + hash }

func (s *Server) assetsSession(c *call) (*reply, error) {
	if !scriptName().MatchString(c.params["script"]) {
		return nil, errNoScript
	}
	var in struct {
		Manifest map[string]assetFile `json:"manifest"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	if len(in.Manifest) > maxAssets {
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 100311, "Too many assets: %d, the limit is %d.", len(in.Manifest), maxAssets)
	}
	session := &assetSession{row: row{ID: s.assetToken(c)}, Account: c.account.ID, Script: c.params["script"], Manifest: in.Manifest}
	for path, f := range in.Manifest {
		if !isHex(f.Hash, 32) || f.Size > maxAssetSize || path == "" || path[0] != '/' {
			// guess: the code.
			return nil, refuse(http.StatusBadRequest, 100312, "Invalid asset %s in the manifest.", path)
		}
		if _, has := s.store.blob(assetBlob(c.account.ID, f.Hash)); !has && !slices.Contains(session.Missing, f.Hash) {
			session.Missing = append(session.Missing, f.Hash)
		}
	}
	slices.Sort(session.Missing)
	if len(session.Missing) == 0 {
		session.Completion = session.ID
	}
	s.assetSessions.put(c.x, session)
	buckets := [][]string{}
	for part := range slices.Chunk(session.Missing, assetsInBucket) {
		buckets = append(buckets, part)
	}
	return ok(map[string]any{"jwt": session.ID, "buckets": buckets})
}

func (s *Server) uploadAssets(c *call) (*reply, error) {
	session, has := s.assetSessions.get(bearerValue(c.Request))
	if !has || session.Account != c.account.ID {
		return nil, errForbidden
	}
	next := *session
	next.Missing = slices.Clone(session.Missing)
	bad := refuse(http.StatusBadRequest, 10013, "The assets upload could not be read.")
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return nil, bad
	}
	parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, bad
		}
		data, err := io.ReadAll(part)
		if err == nil && c.query.Get("base64") == "true" {
			data, err = base64.StdEncoding.DecodeString(string(data))
		}
		hash := part.FormName()
		if err != nil || !next.expects(hash) {
			return nil, bad
		}
		c.x.putBlob(assetBlob(c.account.ID, hash), data)
		next.Missing = slices.DeleteFunc(next.Missing, func(h string) bool { return h == hash })
	}
	if len(next.Missing) > 0 {
		s.assetSessions.put(c.x, &next)
		return &reply{status: http.StatusAccepted, result: map[string]any{}}, nil
	}
	next.Completion = s.assetToken(c)
	s.assetSessions.put(c.x, &next)
	return &reply{status: http.StatusCreated, result: map[string]any{"jwt": next.Completion}}, nil
}

// expects says whether a file of the manifest has the hash.
func (a *assetSession) expects(hash string) bool {
	for _, f := range a.Manifest {
		if f.Hash == hash {
			return true
		}
	}
	return false
}

// assetsOf are the static files a new version gets.
func (s *Server) assetsOf(c *call, w *script, up *upload) (*versionAssets, error) {
	old, has := s.latest(w)
	if up.Assets == nil || up.Assets.JWT == "" {
		if has && old.Assets != nil && (up.KeepAssets || up.Assets != nil) {
			kept := *old.Assets
			if up.Assets != nil && len(up.Assets.Config) > 0 {
				kept.Config = up.Assets.Config
			}
			return &kept, nil
		}
		return nil, nil
	}
	session, found := s.sessionsByToken.one(up.Assets.JWT)
	if !found || session.Account != c.account.ID {
		// guess: the code.
		return nil, invalidScript("The assets' completion token is not valid.")
	}
	return &versionAssets{session.Manifest, up.Assets.Config}, nil
}
