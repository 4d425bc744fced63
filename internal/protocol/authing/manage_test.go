package authing_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"
)

// SCENARIOS M1 to M3 and what the management client calls for users.
func TestManage(t *testing.T) {
	each(t, func(w *world) {
		m := w.manager()
		w.run("M1 a wrong secret", func(w *world) {
			w.ask("", "accessToken", body{"userPoolId": poolID, "secret": "bad"}).fails(1001)
			w.ask("", "accessToken", body{"userPoolId": "nowhere", "secret": "bad"}).fails(1001)
		})
		w.run("M4 a token lasts longer than clients keep it", func(w *world) {
			o := w.ask("", "accessToken", body{
				"userPoolId": poolID, "secret": w.s.Do(http.MethodGet, "/emulator/v1/project", nil).String("poolSecret"),
			}).object()
			if exp, iat := o["exp"].(float64), o["iat"].(float64); exp-iat <= time.Hour.Seconds() {
				w.Errorf("from %f to %f", iat, exp)
			}
			renewed := m.on(w).ask("refreshAccessToken", body{"accessToken": o["accessToken"]}).object()
			w.as(renewed["accessToken"].(string), http.MethodPost, "/api/v2/users/kick", body{"userIds": []string{}}).want(200)
			w.ask("", "refreshAccessToken", body{"accessToken": "garbage"}).fails(2020)
		})
		managePeople(w, m)
		manageSessions(w, m)
		manageCustom(w, m)
		w.run("the pool", func(w *world) {
			m.on(w).ask("userpool", nil).has(body{"id": poolID, "isDeleted": false})
			m.on(w).rest(http.MethodPost, "/api/v2/password/check", body{"password": "x"}).want(200)
		})
	})
}

func managePeople(w *world, m manager) {
	w.run("M2 M3 create, show, change, find, list, delete", func(w *world) {
		m := m.on(w)
		id := m.create(body{
			"username": "m1", "email": "M1@example.com", "emailVerified": true, "phone": "13800000300", "nickname": "N",
			"password": "passw0rd", "externalId": "ext-1", "loginsCount": 2, "unionid": "u", "registerSource": []string{"x"},
		}, body{"identity": body{"provider": "wechat", "userIdInIdp": "w1", "openid": "o", "isSocial": true}}).has(body{
			"email": "m1@example.com", "emailVerified": true, "phone": "13800000300", "phoneVerified": false,
			"nickname": "N", "token": nil, "externalId": "ext-1",
		}).person().id
		m.create(body{"username": "m1"}).fails(2026)
		m.create(body{"email": "m1@example.com"}).fails(2026)
		m.create(body{"username": "m2", "password": "short"}).fails(2029)
		w.login("m1", "passw0rd").user()
		a := m.rest(http.MethodGet, "/api/v2/users/"+id+"?with_custom_data=true", nil).want(200)
		if a.text("id") != id || a.data("customData") == nil {
			w.Errorf("detail: %s", a.Raw)
		}
		m.ask("updateUser", body{"id": id, "input": body{
			"nickname": "NN", "password": w.seal("changed1"), "phone": "", "email": "m2@example.com", "phoneVerified": false,
		}}).has(body{"nickname": "NN", "phone": nil, "email": "m2@example.com", "emailVerified": false}).person()
		w.login("m1", "passw0rd").want(2333)
		w.login("m1", "changed1").user()
		for _, vars := range []body{
			{"username": "m1"},
			{"email": "M2@example.com"},
			{"externalId": "ext-1"},
			{"identity": body{"provider": "wechat", "userIdInIdp": "w1"}},
		} {
			m.ask("findUser", vars).has(body{"id": id})
			if _, plain := vars["identity"]; !plain {
				m.ask("findUserWithCustomData", vars).has(body{"id": id, "customData": []any{}})
				m.w.wantTrue(m.ask("isUserExists", vars).value())
			}
		}
		if v := m.ask("findUser", body{"username": "nobody"}).value(); v != nil {
			w.Errorf("nobody is %v", v)
		}
		for _, name := range []string{"users", "usersWithCustomData"} {
			o := m.ask(name, body{"page": 1, "limit": 5, "excludeUsersInOrg": false}).object()
			if list := o["list"].([]any); o["totalCount"].(float64) < 1 || list[0].(map[string]any)["id"] != id {
				w.Errorf("%s: %v", name, o)
			}
		}
		for _, name := range []string{"searchUser", "searchUserWithCustomData"} {
			m.ask(name, body{"query": "m2@exa", "page": 1, "limit": 10}).has(body{"totalCount": 1})
			m.ask(name, body{"query": "m2@exa", "fields": []string{"username"}}).has(body{"totalCount": 0})
			m.ask(name, body{"query": "m2", "groupOpts": []body{{"code": "g"}}}).has(body{"totalCount": 0})
		}
		m.ask("searchUser", body{"query": "m2", "fields": []string{"password"}}).fails(2231)
		for _, name := range []string{"userBatch", "userBatchWithCustomData"} {
			if list := m.ask(name, body{"ids": []string{"m1", "nobody"}, "type": "username"}).value().([]any); len(list) != 1 {
				w.Errorf("%s: %v", name, list)
			}
		}
		if list := m.rest(http.MethodPost, "/api/v2/users/batch", body{"ids": []string{id}, "type": "id", "withCustomData": true}).
			want(200).Body["data"].([]any); len(list) != 1 {
			w.Errorf("batch: %v", list)
		}
		m.rest(http.MethodPost, "/api/v2/users/filter", body{"page": 1, "limit": 10, "filter": []any{}}).want(200)
		m.rest(http.MethodPost, "/api/v2/users/filter", body{"filter": []any{body{"x": 1}}}).want(404)
		m.rest(http.MethodGet, "/api/v2/users/"+id+"/orgs", nil).want(200)
		m.ask("deleteUser", body{"id": id}).has(body{"code": 200})
		m.rest(http.MethodGet, "/api/v2/users/"+id, nil).want(2004)
		m.ask("deleteUser", body{"id": id}).fails(2004)
		m.ask("deleteUsers", body{"ids": []string{id, "x"}}).has(body{"code": 200})
	})
	w.run("keepPassword and a blocked person", func(w *world) {
		m := m.on(w)
		id := m.create(body{"username": "old", "password": "hunter2"}, body{"keepPassword": true}).person().id
		p := w.login("old", "hunter2").user()
		m.ask("updateUser", body{"id": id, "input": body{"blocked": true}}).has(body{"blocked": true})
		w.me(p.token).want(2020)
		w.login("old", "hunter2").want(2005)
		m.ask("refreshToken", body{"id": id}).fails(2005)
		m.ask("updateUser", body{"id": id, "input": body{"blocked": false}}).has(body{"blocked": false})
		w.login("old", "hunter2").user()
	})
}

func (w *world) wantTrue(v any) {
	w.Helper()
	if v != true {
		w.Errorf("got %v", v)
	}
}

func manageSessions(w *world, m manager) {
	w.run("tokens, sign-in status and kicking", func(w *world) {
		m := m.on(w)
		p := w.byName("sess")
		status := func() any {
			return m.rest(http.MethodGet, "/api/v2/users/login-status?userId="+p.id+"&appId="+appID, nil).want(200).data("isLogin")
		}
		w.wantTrue(status())
		m.rest(http.MethodPost, "/api/v2/users/kick", body{"userIds": []string{p.id, "nobody"}}).want(200)
		w.me(p.token).want(2020)
		if status() != false {
			w.Error("still signed in")
		}
		token, _ := m.ask("refreshToken", body{"id": p.id}).object()["token"].(string)
		w.me(token).has(body{"id": p.id, "loginsCount": 1})
		m.rest(http.MethodGet, "/logout?userId="+p.id, nil).want(200)
		w.me(token).want(2020)
		p = w.login("sess", "passw0rd").user()
		m.rest(http.MethodGet, "/logout?appId="+appID+"&userId="+p.id, nil).want(200)
		w.me(p.token).want(2020)
		p = w.login("sess", "passw0rd").user()
		m.ask("updateUser", body{"id": p.id, "input": body{"tokenExpiredAt": "2020-10-15T17:55:37+08:00"}}).person()
		w.me(p.token).want(2020)
		m.ask("refreshToken", body{"id": "nobody"}).fails(2004)
	})
	w.run("clientIp is believed of a manager only", func(w *world) {
		m := m.on(w)
		login := func(token string) {
			w.ask(token, "loginByUsername", body{"input": body{
				"username": "sess", "password": w.seal("passw0rd"), "clientIp": "203.0.113.7",
			}}).user()
		}
		lastIP := func() any { return m.ask("findUser", body{"username": "sess"}).object()["lastIP"] }
		login("")
		if ip := lastIP(); ip == "203.0.113.7" {
			w.Error("a stranger was believed")
		}
		login(m.token)
		if ip := lastIP(); ip != "203.0.113.7" {
			w.Errorf("a manager was not believed: %v", ip)
		}
	})
}

func manageCustom(w *world, m manager) {
	w.run("custom fields and values", func(w *world) {
		m := m.on(w)
		p := w.byName("cust")
		m.ask("setUdf", body{"targetType": "USER", "key": "city2", "dataType": "STRING", "label": "City"}).
			has(body{"targetType": "USER", "key": "city2", "dataType": "STRING", "label": "City"})
		m.ask("setUdf", body{"targetType": "ROLE", "key": "x", "dataType": "STRING", "label": "x"}).fails(404)
		if list := m.ask("udf", body{"targetType": "USER"}).value().([]any); len(list) != 1 {
			w.Errorf("fields: %v", list)
		}
		who := body{"targetType": "USER", "targetId": p.id}
		with := func(more body) body {
			maps.Copy(more, who)
			return more
		}
		m.ask("setUdvBatch", with(body{"udvList": []body{{"key": "city2", "value": `"Wuhan"`}}})).custom()
		if got := m.ask("udv", who).custom(); got["city2"] != "Wuhan" {
			w.Errorf("values: %v", got)
		}
		all := m.ask("udfValueBatch", body{"targetType": "USER", "targetIds": []string{p.id, "nobody"}}).value().([]any)
		if len(all) != 2 || byKey(all[0].(map[string]any)["data"].([]any))["city2"] != "Wuhan" || len(all[1].(map[string]any)["data"].([]any)) != 0 {
			w.Errorf("batch: %v", all)
		}
		m.ask("setUdfValueBatch", body{"targetType": "USER", "input": []body{{"targetId": p.id, "key": "city2", "value": `"Ulm"`}}}).
			has(body{"code": 200})
		m.ask("findUserWithCustomData", body{"username": "cust"}).has(body{"customData": []any{
			body{"key": "city2", "value": "Ulm", "dataType": "STRING", "label": "City"},
		}})
		m.ask("removeUdv", with(body{"key": "city2"})).custom()
		m.ask("removeUdf", body{"targetType": "USER", "key": "city2"}).has(body{"code": 200})
		made := m.create(body{"username": "cust2"}, body{"params": jsParams("city2", "x")})
		if list, ok := made.object()["customData"].([]any); !ok || len(list) != 0 {
			w.Errorf("a field that is gone: %v", made.object()["customData"])
		}
	})
}

// MT-01: what the manager of one pool does with the id of another's person looks to the
// last byte like an id nobody has.
func TestManagersStayInTheirPool(t *testing.T) {
	each(t, func(w *world) {
		theirs, here := w.otherPool("other"), w.manager()
		ann := w.byName("ann")
		here.ask("setUdf", body{"targetType": "USER", "key": "school", "dataType": "STRING", "label": "S"}).object()
		theirs.ask("setUdf", body{"targetType": "USER", "key": "school", "dataType": "STRING", "label": "S"}).object()
		here.ask("updateUser", body{"id": ann.id, "input": body{"externalId": "ext", "email": "ann@example.com"}}).person()
		nobody := "0123456789abcdefghijklmnop"
		w.run("documents", func(w *world) {
			theirs := theirs.on(w)
			for name, vars := range map[string]func(id string) body{
				"user":                     func(id string) body { return body{"id": id} },
				"userWithCustomData":       func(id string) body { return body{"id": id} },
				"getUserRoles":             func(id string) body { return body{"id": id} },
				"updateUser":               func(id string) body { return body{"id": id, "input": body{"nickname": "Evil"}} },
				"deleteUser":               func(id string) body { return body{"id": id} },
				"deleteUsers":              func(id string) body { return body{"ids": []string{id}} },
				"userBatch":                func(id string) body { return body{"ids": []string{id}} },
				"refreshToken":             func(id string) body { return body{"id": id} },
				"udv":                      func(id string) body { return body{"targetType": "USER", "targetId": id} },
				"removeUdv":                func(id string) body { return body{"targetType": "USER", "targetId": id, "key": "school"} },
				"setUdv":                   func(id string) body { return body{"targetType": "USER", "targetId": id, "key": "school", "value": "1"} },
				"searchUser":               func(id string) body { return body{"query": id, "fields": []string{"id"}} },
				"searchUserWithCustomData": func(id string) body { return body{"query": id} },
			} {
				got, want := theirs.ask(name, vars(ann.id)), theirs.ask(name, vars(nobody))
				if string(got.Raw) != string(want.Raw) {
					w.Errorf("%s tells them apart:\n%s\n%s", name, got.Raw, want.Raw)
				}
			}
			for _, vars := range []body{{"username": "ann"}, {"email": "ann@example.com"}, {"externalId": "ext"}} {
				if v := theirs.ask("findUser", vars).value(); v != nil {
					w.Errorf("found %v", v)
				}
				if theirs.ask("isUserExists", vars).value() != false {
					w.Errorf("%v exists", vars)
				}
			}
			theirs.ask("users", body{}).has(body{"totalCount": 0})
			theirs.ask("udfValueBatch", body{"targetType": "USER", "targetIds": []string{ann.id}}).has0(w, ann.id)
		})
		w.run("addresses", func(w *world) {
			theirs := theirs.on(w)
			for _, at := range []struct{ method, path string }{
				{http.MethodGet, "/api/v2/users/%s"},
				{http.MethodGet, "/api/v2/users/%s/orgs"},
				{http.MethodGet, "/api/v2/users/login-status?userId=%s"},
				{http.MethodGet, "/logout?userId=%s"},
			} {
				got, want := theirs.rest(at.method, fmt.Sprintf(at.path, ann.id), nil), theirs.rest(at.method, fmt.Sprintf(at.path, nobody), nil)
				if string(got.Raw) != string(want.Raw) {
					w.Errorf("%s tells them apart:\n%s\n%s", at.path, got.Raw, want.Raw)
				}
			}
			theirs.rest(http.MethodPost, "/api/v2/users/kick", body{"userIds": []string{ann.id}}).want(200)
			if a := theirs.rest(http.MethodPost, "/api/v2/users/batch", body{"ids": []string{ann.id}}).want(200); a.Body["data"] == nil || len(a.Body["data"].([]any)) != 0 {
				w.Errorf("batch: %s", a.Raw)
			}
		})
		w.run("a foreign pool or application named in the headers changes nothing", func(w *world) {
			for _, header := range [][]string{{"X-Authing-Userpool-Id", poolID}, {"X-Authing-App-Id", appID}} {
				w.ask(theirs.token, "user", body{"id": ann.id}, header...).fails(2004)
				w.ask(theirs.token, "users", body{}, header...).has(body{"totalCount": 0})
			}
			bob := theirs.on(w).create(body{"username": "bob"}).person()
			w.ask(theirs.token, "refreshToken", body{"id": bob.id}, "X-Authing-App-Id", appID).fails(2011)
			w.ask(ann.token, "user", body{"id": bob.id}).fails(1001)
		})
		w.run("nothing happened to her", func(w *world) {
			w.me(ann.token).has(body{"id": ann.id, "nickname": nil})
		})
	})
}

// has0 checks that a batch of values is empty and names nobody but who was asked for.
func (r reply) has0(w *world, id string) {
	w.Helper()
	raw, err := json.Marshal(r.value())
	if err != nil {
		w.Fatal(err)
	}
	if want := `[{"data":[],"targetId":"` + id + `"}]`; string(raw) != want {
		w.Errorf("values %s, want %s", raw, want)
	}
}
