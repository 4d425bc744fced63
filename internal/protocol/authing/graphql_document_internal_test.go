package authing

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDocumentReaderTakesWhatClientsSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want document
	}{
		"the form of the SDK": {
			"\n    query user($id: String) {\n  user(id: $id) {\n    id\n    identities {\n      openid\n    }\n  }\n}\n    ",
			document{"query", "user", "user", map[string]string{"id": "id"}},
		},
		"an operation of another name than its root": {
			"query usersWithCustomData($page: Int, $limit: Int) { users(page: $page, limit: $limit) { totalCount list { id customData { key } } } }",
			document{"query", "users", "users", map[string]string{"page": "page", "limit": "limit"}},
		},
		"no arguments":            {"mutation unbindPhone{unbindPhone{id}}", document{"mutation", "unbindPhone", "unbindPhone", nil}},
		"no selection":            {"query($e:String){isUserExists(email:$e)}", document{"query", "isUserExists", "isUserExists", map[string]string{"email": "e"}}},
		"no keyword":              {"{user{id}}", document{"query", "user", "user", nil}},
		"an alias":                {"query a { me : user { id : _id } }", document{"query", "user", "me", nil}},
		"comments and odd spaces": {"\ufeff# hi }\r\nquery,,\t#x\nq #{\n{#\nuser#y\n}#", document{"query", "user", "user", nil}},
		"nested types":            {"mutation m($a:[[String!]!]!,$b:In!){setUdvBatch(udvList:$a,targetId:$b)}", document{"mutation", "setUdvBatch", "setUdvBatch", map[string]string{"udvList": "a", "targetId": "b"}}},
		"nested arguments":        {"query r($c:String,$p:Int){role(code:$c){users(page:$p){totalCount}}}", document{"query", "role", "role", map[string]string{"code": "c"}}},
		"keywords as names":       {"query query($query:String!){query(query:$query){query mutation fragment on}}", document{"query", "query", "query", map[string]string{"query": "query"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readDocument(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(document{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDocumentReaderSaysWhatItRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                {"", "expected {"},
		"no GraphQL":             {"\x00\xff", "expected {"},
		"a subscription":         {"subscription{user{id}}", "expected a query or a mutation"},
		"two root fields":        {"{user{id} udf{key}}", "expected one root field only"},
		"two operations":         {"query a{user{id}} query b{user{id}}", "expected one operation and nothing after it"},
		"a fragment first":       {"fragment f on User{id} {user{...f}}", "fragments are not supported"},
		"a fragment spread":      {"{user{...f}}", "fragments are not supported"},
		"a fragment at the root": {"{...f}", "fragments are not supported"},
		"an inline fragment":     {"{user{... on User{id}}}", "fragments are not supported"},
		"a string argument":      {`{user(id:"1"){id}}`, "argument id has to be a variable"},
		"a number argument":      {`{users(page:1){totalCount}}`, "argument page has to be a variable"},
		"an enum argument":       {`{udf(targetType:USER){key}}`, "argument targetType has to be a variable"},
		"an object argument":     {`mutation{updateUser(input:{}){id}}`, "argument input has to be a variable"},
		"a nested literal":       {`query($c:String){role(code:$c){users(page:1){totalCount}}}`, "argument page has to be a variable"},
		"an argument twice":      {"query($a:S){user(id:$a,id:$a){id}}", "argument id stands twice"},
		"an undeclared variable": {"query{user(id:$a){id}}", "variable $a is not declared"},
		"a variable twice":       {"query($a:S,$a:S){user(id:$a){id}}", "variable $a is declared twice"},
		"a default":              {"query($a:Int=1){users(page:$a){totalCount}}", "default values are not supported"},
		"a directive":            {"query($a:Boolean){user@include(if:$a){id}}", "directives are not supported"},
		"a nested directive":     {"query($a:Boolean){user{id@skip(if:$a)}}", "directives are not supported"},
		"empty declarations":     {"query(){user{id}}", "expected a variable"},
		"empty arguments":        {"{user(){id}}", "expected an argument"},
		"an empty selection":     {"{user{}}", "expected a field"},
		"an open selection":      {"{user{id", "expected a field"},
		"an open operation":      {"{user{id}", "expected one root field only"},
		"an open argument list":  {"query($a:S){user(id:$a", "expected an argument"},
		"too deep":               {strings.Repeat("{a", 13) + strings.Repeat("}", 13), "the selection is nested too deeply"},
		"a type too deep":        {"query($a:" + strings.Repeat("[", 9) + "S", "the type of a variable is nested too deeply"},
		"too long":               {strings.Repeat(" ", maxDocument) + "{user}", "the document is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readDocument(tt.text)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// FuzzDocument looks for a document that breaks the reader or that it takes without
// being able to name an operation.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		"query user($id: String) { user(id: $id) { id identities { openid } } }",
		"mutation unbindPhone { unbindPhone { id } }",
		"query($a:[String!]!){a:b(c:$a,){d(e:$a){f}}}#", "{a}", "{user{...f}}", `{a(b:"c")}`, "query(", "\ufeff,",
		strings.Repeat("{a", 40), strings.Repeat("[", 40),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readDocument(text)
		if err != nil {
			if !cmp.Equal(d, document{}, cmp.AllowUnexported(document{})) {
				t.Errorf("%q: a document beside %v", text, err)
			}
			return
		}
		if d.kind != "query" && d.kind != "mutation" || d.field == "" || d.key == "" {
			t.Errorf("%q: %+v", text, d)
		}
		for arg, variable := range d.args {
			if arg == "" || variable == "" || !strings.Contains(text, "$"+variable) && !strings.Contains(text, "$") {
				t.Errorf("%q: argument %q is %q", text, arg, variable)
			}
		}
	})
}
