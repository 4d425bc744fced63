package authing_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// jsParams is custom data as the client writes it beside a registration.
func jsParams(key string, value any) string {
	raw, _ := json.Marshal([]body{{"key": key, "value": value}}) //nolint:errchkjson // texts and numbers
	return string(raw)
}

// SCENARIOS G1 to G8, R15 and P5 by GraphQL, with the documents of the published client.
func TestGraphQLSignIn(t *testing.T) {
	each(t, func(w *world) {
		m := w.manager()
		m.ask("setUdf", body{"targetType": "USER", "key": "school", "dataType": "STRING", "label": "School"}).object()
		m.ask("setUdf", body{"targetType": "USER", "key": "age", "dataType": "NUMBER", "label": "Age"}).object()
		var ann person
		w.run("registerByEmail with forceLogin signs in", func(w *world) {
			r := w.ask("", "registerByEmail", body{"input": body{
				"email": "Ann@example.com", "password": w.seal("passw0rd"), "forceLogin": true, "generateToken": false,
				"profile": body{"nickname": "Ann", "gender": "F"}, "params": nil, "context": nil,
			}}).has(body{"email": "ann@example.com", "nickname": "Ann", "gender": "F", "emailVerified": false, "loginsCount": 1})
			ann = r.user()
		})
		w.run("G1 a registered address", func(w *world) {
			w.ask("", "registerByEmail", body{"input": body{"email": "ann@example.com", "password": w.seal("passw0rd")}}).fails(2026)
			w.ask("", "registerByEmail", body{"input": body{"email": "nope", "password": w.seal("passw0rd")}}).fails(2003)
		})
		w.run("R15 registration without a session", func(w *world) {
			w.ask("", "registerByUsername", body{"input": body{
				"username": "carl", "password": w.seal("passw0rd"), "profile": nil, "forceLogin": false, "generateToken": false,
			}}).has(body{"username": "carl", "token": nil, "loginsCount": 0}).person()
			w.ask("", "loginByUsername", body{"input": body{"username": "carl", "password": w.seal("passw0rd")}}).user()
		})
		w.run("R15 generateToken gives one", func(w *world) {
			w.ask("", "registerByUsername", body{"input": body{
				"username": "dora", "password": w.seal("passw0rd"), "forceLogin": false, "generateToken": true,
			}}).user()
		})
		w.run("G6 custom data at registration", func(w *world) {
			p := w.ask("", "registerByUsername", body{"input": body{
				"username": "emil", "password": w.seal("passw0rd"), "forceLogin": true,
				"params": jsParams("school", "x"),
			}}).user()
			w.wantCustom(p, map[string]string{"school": "x"})
			p = w.ask("", "registerByUsername", body{"input": body{
				"username": "fred", "password": w.seal("passw0rd"), "forceLogin": true, "params": jsParams("unknown", 1),
				"profile": body{"udf": []body{{"key": "school", "value": "y"}}},
			}}).user()
			w.wantCustom(p, map[string]string{"school": "y"})
		})
		signInByGraphQL(w, ann)
		firstLoginByGraphQL(w, m)
	})
}

func (w *world) wantCustom(p person, want map[string]string) {
	w.Helper()
	got := w.ask(p.token, "udv", body{"targetType": "USER", "targetId": p.id}).custom()
	if len(got) != len(want) {
		w.Errorf("custom data %v, want %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			w.Errorf("custom data %s is %q, want %q", k, got[k], v)
		}
	}
}

func signInByGraphQL(w *world, ann person) {
	w.run("G2 every sign-in gives a token that works", func(w *world) {
		phone := w.ask("", "registerByPhoneCode", body{"input": body{
			"phone": "13800000100", "phoneCountryCode": "+86", "code": w.smsCode("13800000100"),
			"password": w.seal("passw0rd"), "forceLogin": true,
		}}).user()
		for name, tt := range map[string]struct {
			input body
			want  person
		}{
			"loginByEmail":         {body{"email": "ANN@example.com", "password": w.seal("passw0rd")}, ann},
			"loginByPhonePassword": {body{"phone": "13800000100", "password": w.seal("passw0rd")}, phone},
			"loginByPhoneCode":     {body{"phone": "13800000100", "code": w.smsCode("13800000100"), "context": `{"k":1}`}, phone},
		} {
			r := w.ask("", name, body{"input": tt.input})
			if p := r.user(); p.id != tt.want.id || w.ask(p.token, "user", nil).user().id != p.id {
				w.Errorf("%s: somebody else signed in", name)
			}
			if list, ok := r.object()["customData"].([]any); !ok || len(list) != 0 {
				w.Errorf("%s: customData is %v", name, r.object()["customData"])
			}
		}
		w.ask("", "loginBySubAccount", body{"account": "carl", "password": w.seal("passw0rd")}).user()
	})
	w.run("G3 wrong passwords, strangers and people without one look the same", func(w *world) {
		w.byMailCode("gina@example.com")
		wrong := w.ask("", "loginByEmail", body{"input": body{"email": "ann@example.com", "password": w.seal("wrong1")}}).fails(2333)
		for _, email := range []string{"nobody@example.com", "gina@example.com"} {
			r := w.ask("", "loginByEmail", body{"input": body{"email": email, "password": w.seal("wrong1")}}).fails(2333)
			if string(r.Raw) != string(wrong.Raw) {
				w.Errorf("%s differs:\n%s\n%s", email, r.Raw, wrong.Raw)
			}
		}
		w.ask("", "loginByPhoneCode", body{"input": body{"phone": "13800000100", "code": "000000"}}).fails(2001)
	})
	w.run("G4 nobody is signed in", func(w *world) {
		w.ask("", "user", nil).fails(2020)
		w.ask("garbage", "user", nil).fails(2020)
	})
	w.run("G5 the status of a token", func(w *world) {
		r := w.ask("", "checkLoginStatus", body{"token": ann.token}).has(body{"code": 200, "status": true})
		data, _ := r.object()["data"].(map[string]any)
		exp, _ := r.object()["exp"].(float64)
		iat, _ := r.object()["iat"].(float64)
		if data["id"] != ann.id || data["userPoolId"] != poolID || exp-iat != (14*24*time.Hour).Seconds() {
			w.Errorf("status %s", r.Raw)
		}
		w.ask(ann.token, "checkLoginStatus", body{}).has(body{"status": true})
		for _, token := range []string{"garbage", ""} {
			w.ask("", "checkLoginStatus", body{"token": token}).has(body{"code": 2206, "status": false, "exp": nil, "data": nil})
		}
	})
	w.run("a token and a bad password in plain words", func(w *world) {
		w.ask("", "checkPasswordStrength", body{"password": "abc"}).has(body{"valid": false})
		w.ask("", "checkPasswordStrength", body{"password": "passw0rd"}).has(body{"valid": true})
		for vars, want := range map[string]bool{
			`{"email":"ANN@example.com"}`: true, `{"username":"carl"}`: true, `{"phone":"13800000100"}`: true,
			`{"username":"nobody"}`: false,
		} {
			if got := w.ask("", "isUserExists", parsed(w, vars)).value(); got != want {
				w.Errorf("%s exists: %v", vars, got)
			}
		}
		w.ask("", "isUserExists", body{}).fails(2231)
		w.ask("", "isUserExists", body{"externalId": "x"}).fails(1001)
	})
}

func parsed(w *world, text string) body {
	var b body
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		w.Fatal(err)
	}
	return b
}

func firstLoginByGraphQL(w *world, m manager) {
	w.run("P5 L10 the first sign-in asks for another password", func(w *world) {
		m.on(w).create(body{"username": "newbie", "password": "initial"}, body{"resetPasswordOnFirstLogin": true}).person()
		r := w.ask("", "loginByUsername", body{"input": body{"username": "newbie", "password": w.seal("initial")}}).fails(1639)
		message := r.Body["errors"].([]any)[0].(map[string]any)["message"].(map[string]any)
		token, _ := message["data"].(map[string]any)["token"].(string)
		if token == "" {
			w.Fatalf("no token: %s", r.Raw)
		}
		w.ask(token, "user", nil).fails(2020)
		reset := body{"token": token, "password": w.seal("chosen1")}
		w.ask("", "resetPasswordByFirstLoginToken", reset).has(body{"code": 200})
		w.ask("", "resetPasswordByFirstLoginToken", reset).fails(2207)
		w.ask("", "loginByUsername", body{"input": body{"username": "newbie", "password": w.seal("chosen1")}}).user()
	})
	w.run("P1 P2 P3 a forgotten password", func(w *world) {
		w.ask("", "sendEmail", body{"email": "ann@example.com", "scene": "RESET_PASSWORD"}).has(body{"code": 200})
		reset := body{"email": "ann@example.com", "code": w.s.Code("ann@example.com"), "newPassword": w.seal("another1")}
		w.ask("", "resetPassword", reset).has(body{"code": 200})
		w.ask("", "loginByEmail", body{"input": body{"email": "ann@example.com", "password": w.seal("another1")}}).user()
		w.ask("", "resetPassword", body{"phone": "13800000199", "code": "123456", "newPassword": w.seal("another1")}).fails(2004)
		w.ask("", "sendEmail", body{"email": "nope", "scene": "VERIFY_CODE"}).fails(1020017)
	})
}

// What people do to themselves: G7, G8, the binding and password calls of the client.
func TestGraphQLSelf(t *testing.T) {
	each(t, func(w *world) {
		m := w.manager()
		for key, typ := range map[string]string{
			"school": "STRING", "age": "NUMBER", "member": "BOOLEAN", "tags": "OBJECT", "born": "DATETIME",
		} {
			m.ask("setUdf", body{"targetType": "USER", "key": key, "dataType": typ, "label": key}).object()
		}
		ann, bob := w.ann(), w.byName("bob")
		w.run("G7 nobody else's profile", func(w *world) {
			for _, id := range []string{bob.id, "nobody"} {
				w.ask(ann.token, "updateUser", body{"id": id, "input": body{"nickname": "Evil"}}).fails(1001)
				w.ask(ann.token, "user", body{"id": id}).fails(1001)
				w.ask(ann.token, "refreshToken", body{"id": id}).fails(1001)
				w.ask(ann.token, "udv", body{"targetType": "USER", "targetId": id}).fails(1001)
				w.ask(ann.token, "setUdvBatch", body{"targetType": "USER", "targetId": id, "udvList": []body{{"key": "school", "value": `"x"`}}}).fails(1001)
				w.ask(ann.token, "removeUdv", body{"targetType": "USER", "targetId": id, "key": "school"}).fails(1001)
			}
			w.ask(bob.token, "user", nil).has(body{"nickname": nil})
		})
		w.run("X2 LK-08 a person may not set everything", func(w *world) {
			r := w.ask(ann.token, "updateUser", body{"id": ann.id, "input": body{
				"nickname": "Nick", "gender": "F", "company": "C", "email": "evil@example.com", "phone": "13800000999",
				"emailVerified": true, "phoneVerified": true, "blocked": true, "password": w.seal("hacked1"), "externalId": "x",
				"loginsCount": 99, "tokenExpiredAt": "2000-01-01T00:00:00Z", "status": "Suspended",
			}}).has(body{
				"nickname": "Nick", "gender": "F", "company": "C", "email": "ann@example.com", "phone": nil, "emailVerified": false,
				"phoneVerified": false, "blocked": false, "externalId": nil, "loginsCount": 1,
			})
			if p := r.user(); p.id != ann.id {
				w.Error("somebody else")
			}
			w.ask("", "loginByEmail", body{"input": body{"email": "ann@example.com", "password": w.seal("passw0rd")}}).user()
			w.ask(ann.token, "updateUser", body{"input": body{"username": "bob"}}).fails(2034)
		})
		w.run("G8 custom data keeps its types", func(w *world) {
			me := body{"targetType": "USER", "targetId": ann.id}
			w.ask(ann.token, "setUdvBatch", body{"targetType": "USER", "targetId": ann.id, "udvList": []body{
				{"key": "school", "value": `"hust"`},
				{"key": "age", "value": "20"},
				{"key": "member", "value": "true"},
				{"key": "tags", "value": `{"a":[1]}`},
				{"key": "born", "value": `"2000-01-02T03:04:05.000Z"`},
			}}).custom()
			w.wantCustom(ann, map[string]string{
				"school": "hust", "age": "20", "member": "true", "tags": `{"a":[1]}`, "born": "946782245000",
			})
			w.ask(ann.token, "setUdv", body{"targetType": "USER", "targetId": ann.id, "key": "school", "value": `"ucla"`}).custom()
			left := w.ask(ann.token, "removeUdv", body{"targetType": "USER", "targetId": ann.id, "key": "age"}).custom()
			if _, still := left["age"]; still || left["school"] != "ucla" {
				w.Errorf("left: %v", left)
			}
			w.ask(ann.token, "setUdv", body{"targetType": "USER", "targetId": ann.id, "key": "age", "value": `"x"`}).fails(2231)
			w.ask(ann.token, "setUdv", body{"targetType": "USER", "targetId": ann.id, "key": "none", "value": `"x"`}).fails(400)
			me["targetType"] = "ROLE"
			w.ask(ann.token, "udv", me).fails(404)
		})
		contactsByGraphQL(w)
	})
}

func contactsByGraphQL(w *world) {
	w.run("bind, replace and unbind", func(w *world) {
		p := w.byMailCode("hans@example.com")
		w.ask(p.token, "bindPhone", body{"phone": "13800000200", "phoneCode": w.smsCode("13800000200"), "phoneCountryCode": "+86"}).
			has(body{"phone": "13800000200", "phoneVerified": true}).user()
		w.ask(p.token, "updateEmail", body{
			"email": "hans2@example.com", "emailCode": w.mailCode("hans2@example.com", "CHANGE_EMAIL"),
			"oldEmail": "hans@example.com", "oldEmailCode": w.mailCode("hans@example.com", "CHANGE_EMAIL"),
		}).has(body{"email": "hans2@example.com", "emailVerified": true}).user()
		w.ask(p.token, "unbindPhone", nil).has(body{"phone": nil}).user()
		w.ask(p.token, "unbindPhone", nil).fails(1320005)
		w.ask(p.token, "unbindEmail", nil).fails(1320005)
		w.ask(p.token, "bindPhone", body{"phone": "13800000201", "phoneCode": "000000"}).fails(2001)
	})
	w.run("P6 P7 P8 a password", func(w *world) {
		p := w.byMailCode("ida@example.com")
		w.ask(p.token, "updatePassword", body{"newPassword": w.seal("first1")}).user()
		w.ask(p.token, "updatePassword", body{"newPassword": w.seal("second1"), "oldPassword": w.seal("nope1")}).fails(1320011)
		w.ask(p.token, "updatePassword", body{"newPassword": w.seal("second1"), "oldPassword": w.seal("first1")}).user()
		w.ask(p.token, "user", nil).user()
	})
	w.run("S7 another token", func(w *world) {
		p := w.byName("jack")
		o := w.ask(p.token, "refreshToken", nil).object()
		token, _ := o["token"].(string)
		if w.ask(token, "user", nil).user().id != p.id {
			w.Error("somebody else")
		}
	})
	w.run("what a pool has none of", func(w *world) {
		p := w.byName("kate")
		for name, member := range map[string]string{
			"getUserRoles": "roles", "getUserGroups": "groups", "getUserDepartments": "departments",
			"listUserAuthorizedResources": "authorizedResources",
		} {
			o := w.ask(p.token, name, body{"id": p.id}).object()
			list, ok := o[member].(map[string]any)["list"].([]any)
			if !ok || len(list) != 0 || o[member].(map[string]any)["totalCount"] != 0.0 {
				w.Errorf("%s: %v", name, o[member])
			}
		}
	})
}

// What is wrong with a request is said the way the clients read it.
func TestGraphQLRefusals(t *testing.T) {
	each(t, func(w *world) {
		for name, tt := range map[string]struct {
			text string
			code int
			says string
		}{
			"no document":       {"", 400, "expected {"},
			"a literal":         {`{user(id:"1"){id}}`, 400, "has to be a variable"},
			"two root fields":   {"{user{id} udf{key}}", 400, "one root field"},
			"a fragment":        {"{user{...f}}", 400, "fragments"},
			"the wrong kind":    {"query{unbindPhone{id}}", 400, "is a mutation"},
			"an unknown field":  {"{__schema{types{name}}}", 404, ""},
			"a missing input":   {"mutation{registerByEmail{id}}", 2231, "input"},
			"too long":          {strings.Repeat(" ", 20<<10), 400, "too long"},
			"nested too deeply": {strings.Repeat("{a", 5000), 400, "deeply"},
		} {
			w.run(name, func(w *world) {
				r := w.query("", tt.text, name, "", nil, "X-Authing-Lang", "en-US").fails(tt.code)
				if !strings.Contains(string(r.Raw), tt.says) {
					w.Errorf("%s does not say %q", r.Raw, tt.says)
				}
			})
		}
		w.run("no JSON", func(w *world) {
			a := w.post("/graphql/v2", nil)
			reply{a.Answer, w, "empty", ""}.fails(400)
			a = w.post("/graphql/v2", []string{"x"})
			reply{a.Answer, w, "a list", ""}.fails(2231)
			a = w.post("/graphql", body{"query": "query u($id:String){me:user(id:$id){id}}", "variables": []int{}})
			reply{a.Answer, w, "bad variables", "me"}.fails(2231)
		})
		w.run("an alias names the answer", func(w *world) {
			p := w.byName("lars")
			if got := w.query(p.token, "{me:user{id}}", "alias", "me", nil).user(); got.id != p.id {
				w.Error("somebody else")
			}
		})
		w.run("a wrong method", func(w *world) {
			w.do(http.MethodGet, "/graphql/v2", nil).want(404)
		})
	})
}
