package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type bad struct {
	name, src string
	want      []string
	beyond    bool // a JSON Schema cannot say it
}

var badFiles = []bad{
	{name: "empty", src: "", want: []string{
		`cfboot.jsonc:1:1: there is nothing in the file | write { "name": "my-project", "resources": {} }`,
	}},
	{name: "comment only", src: "// nothing\n", want: []string{
		`cfboot.jsonc:2:1: there is nothing in the file | write { "name": "my-project", "resources": {} }`,
	}},
	{name: "not an object", src: "[1]", want: []string{
		`cfboot.jsonc:1:1: the file must hold an object, not a list | write { "name": "my-project", "resources": {} }`,
	}},
	{name: "unclosed", src: "{\n  \"name\": \"a\",\n  \"resources\": {\n", want: []string{
		`cfboot.jsonc:4:1: the file ends before the { of cfboot.jsonc:3:16 is closed | close it with }`,
	}},
	{name: "unclosed string", src: "{\n  \"name\": \"a,\n}", want: []string{
		`cfboot.jsonc:2:11: this string does not end on its line | close it with ", or write line breaks as \n`,
	}},
	{name: "file ends in string", src: "{\n  \"name\": \"a", want: []string{
		`cfboot.jsonc:2:11: this string does not end on its line | close it with ", or write line breaks as \n`,
	}},
	{name: "unclosed comment", src: "{\n  /* \"name\": \"a\"}", want: []string{
		`cfboot.jsonc:2:3: this comment is never closed | close it with */`,
	}},
	{name: "bad escape", src: `{"name": "a\q"}`, want: []string{
		`cfboot.jsonc:1:10: this string has a \ that begins no escape of JSON | write \\ for one backslash`,
	}},
	{name: "control character", src: "{\"name\": \"a\tb\"}", want: []string{
		`cfboot.jsonc:1:12: a string must not hold the control character U+0009 | write it as \u0009`,
	}},
	{name: "missing comma", src: "{\n  \"name\": \"a\"\n  \"domain\": \"b.c\"\n}", want: []string{
		`cfboot.jsonc:3:3: expected , or } here, found '"' | put a comma after the value before it`,
	}},
	{name: "missing comma in list", src: "{\"a\": [1 2]}", want: []string{
		`cfboot.jsonc:1:10: expected , or ] here, found '2' | put a comma after the value before it`,
	}},
	{name: "two commas", src: "{\"name\": \"a\",,}", want: []string{
		`cfboot.jsonc:1:14: expected a key or a value here, found ',' | put keys and text in double quotes, and look for a missing value or a comma too many before it`,
	}},
	{name: "single quotes", src: "{'name': 'a'}", want: []string{
		`cfboot.jsonc:1:2: expected a key or a value here, found '\'' | put keys and text in double quotes, and look for a missing value or a comma too many before it`,
	}},
	{name: "bare key", src: "{name: \"a\"}", want: []string{
		`cfboot.jsonc:1:2: name is no JSON value | put keys and text in double quotes: "name" | bare words are true, false and null; numbers are written like 10 or 2.5`,
	}},
	{name: "missing colon", src: "{\"name\" \"a\"}", want: []string{
		`cfboot.jsonc:1:9: expected : after the key, found '"' | write "name": …`,
	}},
	{name: "bare word", src: "{\"name\": shop}", want: []string{
		`cfboot.jsonc:1:10: shop is no JSON value | put keys and text in double quotes: "name" | bare words are true, false and null; numbers are written like 10 or 2.5`,
	}},
	{name: "missing value", src: "{\"name\": }", want: []string{
		`cfboot.jsonc:1:10: expected a key or a value here, found '}' | put keys and text in double quotes, and look for a missing value or a comma too many before it`,
	}},
	{name: "more after the end", src: "{\"name\": \"a\"}}", want: []string{
		`cfboot.jsonc:1:14: there is more after the end of the object: '}' | remove it, or look for a } too many before it`,
	}},
	{name: "line separator in comment", src: "{\"name\": \"a\" // b\u2028\n}", want: []string{
		`cfboot.jsonc:1:18: invalid character '\u2028' in line comment | write JSON; comments and trailing commas are allowed`,
	}},
	{name: "not UTF-8", src: "{\n\"name\": \"\xff\"}", want: []string{
		`cfboot.jsonc:2:10: the file is not UTF-8 text | save it as UTF-8`,
	}},
	{name: "UTF-16", src: "\xff\xfe{\x00", want: []string{
		`cfboot.jsonc:1:1: the file is not UTF-8 text | save it as UTF-8`,
	}},
	{name: "columns count characters", src: "\ufeff{\"name\": \"a\", /* ÄÖ🙂 */ \"nam\": 1}", want: []string{
		`cfboot.jsonc:1:25: unknown key "nam"; did you mean "name"?`,
	}},
	{name: "too deep", src: `{"a": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", want: []string{
		`cfboot.jsonc:1:70: more than 64 objects and lists within each other | flatten what is here`,
	}},
	{name: "too large", src: "{" + strings.Repeat(" ", maxSize) + "}", want: []string{
		`cfboot.jsonc: the file has 1048578 bytes; at most 1048576 are read | a manifest describes resources only; move everything else out of it`,
	}},
	{name: "number out of range", src: `{"name": "a", "a": 1e999999999}`, want: []string{
		`cfboot.jsonc:1:15: unknown key "a" | allowed here: $schema, name, pattern, account, domain, state, resources, secrets, environments, previews`,
		`cfboot.jsonc:1:20: the number 1e999999999 is out of range | write a number of at most 40 characters, below 1e308`,
	}},
}

var badTops = []bad{
	{name: "no name", src: "{}", want: []string{
		`cfboot.jsonc:1:1: "name", the name of the project, is missing | add "name": "my-project"`,
	}},
	{name: "duplicate key", src: "{\n  \"name\": \"a\",\n  \"name\": \"b\"\n}", beyond: true, want: []string{
		`cfboot.jsonc:3:3: "name" is set twice; the first is at cfboot.jsonc:2:3 | keep one of the two`,
	}},
	{name: "unknown keys", src: "{\"nme\": \"a\", \"name\": \"a\", \"resource\": {}, \"Domain\": \"\", \"xyz\": 1}", want: []string{
		`cfboot.jsonc:1:2: unknown key "nme"; did you mean "name"?`,
		`cfboot.jsonc:1:27: unknown key "resource"; did you mean "resources"?`,
		`cfboot.jsonc:1:43: unknown key "Domain"; did you mean "domain"?`,
		`cfboot.jsonc:1:57: unknown key "xyz" | allowed here: $schema, name, pattern, account, domain, state, resources, secrets, environments, previews`,
	}},
	{name: "wrong types", src: `{"$schema": 1, "name": 5, "pattern": [], "account": null, "domain": true, "resources": [], "environments": "x"}`, want: []string{
		`cfboot.jsonc:1:13: "$schema" must be a string, not a number | write "$schema": "…", or leave it out`,
		`cfboot.jsonc:1:24: "name" must be a string, not a number | write "name": "…", or leave it out`,
		`cfboot.jsonc:1:38: "pattern" must be a string, not a list | write "pattern": "…", or leave it out`,
		`cfboot.jsonc:1:53: "account" must be a string, not null | write "account": "…", or leave it out`,
		`cfboot.jsonc:1:69: "domain" must be a string, not true or false | write "domain": "…", or leave it out`,
		`cfboot.jsonc:1:88: "resources" must be an object, not a list | write "resources": {…}`,
		`cfboot.jsonc:1:108: "environments" must be an object, not a string | write "environments": {…}`,
	}},
	{name: "bad names", src: `{"name": "My Shop!", "pattern": "-", "resources": {"My_DB": {"kind": "d1"}}, "environments": {"PR 7": {}, "7up": {}}}`, want: []string{
		`cfboot.jsonc:1:10: the project name "My Shop!" is no valid name: small letters, digits and dashes, at most 40 characters | write "my-shop"`,
		`cfboot.jsonc:1:33: the pattern "-" is no valid name: small letters, digits and single dashes, at most 40 characters | write something like "my-name"`,
		`cfboot.jsonc:1:52: the resource "My_DB" is no valid name: small letters, digits and single dashes, at most 40 characters | write "my-db"`,
		`cfboot.jsonc:1:95: the environment "PR 7" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write "pr-7"`,
		`cfboot.jsonc:1:107: the environment "7up" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write something like "my-name"`,
	}},
	{name: "names that differ in case", src: `{"name": "a", "resources": {"db": {"kind": "d1"}, "DB": {"kind": "d1"}}, "environments": {"prod": {}, "Prod": {}}}`, want: []string{
		`cfboot.jsonc:1:51: the resource "DB" is no valid name: small letters, digits and single dashes, at most 40 characters | write "db"`,
		`cfboot.jsonc:1:103: the environment "Prod" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write "prod"`,
	}},
	{name: "long names", src: `{"name": "` + strings.Repeat("a", 41) + `", "environments": {"` + strings.Repeat("b", 21) + `": {}}}`, want: []string{
		`cfboot.jsonc:1:10: the project name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is no valid name: small letters, digits and dashes, at most 40 characters | write "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`,
		`cfboot.jsonc:1:72: the environment "bbbbbbbbbbbbbbbbbbbbb" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write "bbbbbbbbbbbbbbbbbbbb"`,
	}},
	{name: "name ends in dash", src: `{"name": "a-"}`, want: []string{
		`cfboot.jsonc:1:10: the project name "a-" is no valid name: small letters, digits and dashes, at most 40 characters | write "a"`,
	}},
	{name: "secrets", src: `{"name": "a", "resources": {"app": {"kind": "worker"}, "db": {"kind": "d1", "binding": "DB"}}, "secrets": {
  "STRIPE_API_KEY": "sk_live_1",
  "9-lives": {}, "class": {},
  "A": {"generate": "uuid", "url": "http://x", "requird": true},
  "B": 1
}}`, want: []string{
		`cfboot.jsonc:2:21: the secret "STRIPE_API_KEY" must be an object that tells what it is for, never its value | take the value out of the file, and change it where it was issued if the file was shared | write "STRIPE_API_KEY": {"description": "…"}; then: cfboot secrets push`,
		`cfboot.jsonc:3:3: "9-lives" cannot be the name of a secret: letters, digits and _, no digit first, no word of JavaScript, at most 64 characters | write something like "SESSION_KEY"`,
		`cfboot.jsonc:3:18: "class" cannot be the name of a secret: letters, digits and _, no digit first, no word of JavaScript, at most 64 characters | write "CLASS"`,
		`cfboot.jsonc:4:21: the secret "A": generate must be one of "hmac", "session", not "uuid" | Whether cfboot secrets generate may make it up: hmac is a key of 32 random bytes in hex, session one in base64url. Never for what another service must know.`,
		`cfboot.jsonc:4:36: the secret "A": url must have the form ^https://, not "http://x" | Where one gets it. | for example "https://dashboard.stripe.com/apikeys"`,
		`cfboot.jsonc:4:48: the secret "A": unknown key "requird"; did you mean "required"?`,
		`cfboot.jsonc:5:8: "B" must be an object, not a number | write "B": {…}`,
	}},
	{name: "secrets and resources", beyond: true, src: `{"name": "a", "resources": {"app": {"kind": "worker"}, "db": {"kind": "d1", "binding": "DB"}}, "secrets": {
  "DB": {},
  "A": {"worker": "db"},
  "B": {"worker": "ap"},
  "C": {"worker": "app", "required": true}
}}`, want: []string{
		`cfboot.jsonc:2:3: the secret "DB" has the name of the binding of d1/db (cfboot.jsonc:1:88) | give one of the two another name`,
		`cfboot.jsonc:3:19: the secret "A": "db" is no Worker (cfboot.jsonc:1:56) | the Workers here: "app"`,
		`cfboot.jsonc:4:19: the secret "B": there is no Worker "ap" among the resources | the Workers here: "app"`,
	}},
	{name: "secrets are a list", src: `{"name": "a", "secrets": ["A"]}`, want: []string{
		`cfboot.jsonc:1:26: "secrets" must be an object, not a list | write "secrets": {…}`,
	}},
	{name: "bad account", src: `{"name": "a", "account": "123"}`, want: []string{
		`cfboot.jsonc:1:26: the account "123" is not 32 hex digits | copy the account id from the overview page of the Cloudflare dashboard, or leave "account" out`,
	}},
	{name: "domain in Unicode", src: `{"name": "a", "domain": "bücher.example"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "bücher.example" has characters beyond ASCII | write its punycode form, in which such parts begin with xn--`,
	}},
	{name: "domain as URL", src: `{"name": "a", "domain": "https://Example.com/"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "https://Example.com/" is more than a host name | write "example.com"`,
	}},
	{name: "domain with port", src: `{"name": "a", "domain": "example.com:8080"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "example.com:8080" is more than a host name | write "example.com"`,
	}},
	{name: "domain wildcard", src: `{"name": "a", "domain": "*.example.com"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "*.example.com" is more than a host name | write "example.com"`,
	}},
	{name: "domain root dot", src: `{"name": "a", "domain": "example.com."}`, want: []string{
		`cfboot.jsonc:1:25: the domain "example.com." is more than a host name | write "example.com"`,
	}},
	{name: "domain of one label", src: `{"name": "a", "domain": "localhost"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "localhost" is not a host name | write one such as "example.com": letters, digits and dashes, parted by dots`,
	}},
	{name: "domain is an address", src: `{"name": "a", "domain": "192.0.2.1"}`, want: []string{
		`cfboot.jsonc:1:25: the domain "192.0.2.1" is not a host name | write one such as "example.com": letters, digits and dashes, parted by dots`,
	}},
	{name: "domain too long", src: `{"name": "a", "domain": "` + strings.Repeat("a", 64) + `.com"}`, beyond: true, want: []string{
		`cfboot.jsonc:1:25: the domain "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is too long: at most 253 characters, 63 between two dots | use a shorter host name`,
	}},
	{name: "environment's domain too long", beyond: true,
		src: `{"name": "a", "domain": "` + strings.Repeat("abcdefghi.", 24) + `example.com", "environments": {"staging": {}}}`, want: []string{
			`cfboot.jsonc:1:297: the host name "staging.abcdefghi.abcdefghi.abcdefghi.abcdefghi.abcdefghi.a…" has more than 253 characters | give the environment a "domain" of its own`,
		}},
	{name: "reserved environments", src: `{"name": "a", "environments": {"production": {}, "top": {"resources": {"db": {"kind": "d2"}}}}}`, want: []string{
		`cfboot.jsonc:1:32: an environment cannot be called "production" | production is what stands outside of "environments"; set it there`,
		`cfboot.jsonc:1:50: an environment cannot be called "top" | choose another name, such as "staging"`,
		`cfboot.jsonc:1:87: environment top: resource/db: there is no kind "d2"; did you mean "d1"?`,
	}},
	{name: "environment of other type", src: `{"name": "a", "environments": {"qa": null, "staging": {"resurces": {}, "resources": 1, "name": "x"}}}`, want: []string{
		`cfboot.jsonc:1:38: "qa" must be an object, not null | write "qa": {…}`,
		`cfboot.jsonc:1:56: unknown key "resurces"; did you mean "resources"?`,
		`cfboot.jsonc:1:85: "resources" must be an object, not a number | write "resources": {…}`,
		`cfboot.jsonc:1:88: unknown key "name" | allowed here: domain, account, resources`,
	}},
}

func TestFaults(t *testing.T) {
	for _, group := range [][]bad{badFiles, badTops, badResources, badMeetings, badEnvironments, badPreviews} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				m, err := Parse("cfboot.jsonc", []byte(tt.src), plainCatalog{})
				if m != nil {
					t.Error("there is a manifest in spite of faults")
				}
				if d := cmp.Diff(tt.want, lines(t, err)); d != "" {
					t.Error(d)
				}
			})
		}
	}
}
