package cloudbase_test

import (
	"encoding/json"
	"net/http"
)

// fill replaces what was recorded by what is alive on this server.
func (w *world) fill(r recorded, body map[string]any, query map[string]string) {
	w.t.Helper()
	for _, name := range []string{"client_id", "env"} {
		if query[name] != "" {
			query[name] = "dev"
		}
	}
	if body["client_id"] != nil {
		body["client_id"] = "dev"
	}
	delete(query, "page_token") // the recorded one is of no server
	w.fillQuery(r, query)
	w.fillProvider(r, body, query)
	switch r.Path {
	case "/auth/v1/signup":
		w.fillSignUp(body)
	case "/auth/v1/signin", "/auth/v2/signin/username":
		w.fillSignIn(body)
	case "/auth/v1/signin/custom":
		body["ticket"] = w.ticket()
	case "/auth/v1/verification":
		w.fillSend(body)
	case "/auth/v1/verification/verify", "/auth/v2/signin/verificationcode":
		body["verification_id"], body["verification_code"] = w.code(false, "phone_number", w.phone)
	case "/auth/v1/reset":
		w.fillReset(body)
	case "/auth/v1/token", "/auth/v2/token":
		w.fillGrant(body)
	case "/auth/v1/revoke":
		body["token"] = w.access
	case "/auth/v1/captcha/data/verify":
		body["token"], body["key"] = w.solved()
	default:
		w.fillOwn(r.Path, body)
	}
}

func (w *world) fillQuery(r recorded, query map[string]string) {
	w.t.Helper()
	if query["sudo_token"] != "" {
		query["sudo_token"] = w.sudo()
	}
	if r.Path != "/auth/v1/user/query" && r.Path != "/auth/v1/checkIfUserExist" {
		return
	}
	for name, live := range map[string]string{
		"id": w.id + ",nobody", "username": w.username, "email": w.email, "phone_number": w.phone,
	} {
		if query[name] != "" {
			query[name] = live
		}
	}
}

func (w *world) fillSignUp(body map[string]any) {
	w.t.Helper()
	field, address := "email", w.newEmail
	if body["phone_number"] != nil {
		field, address = "phone_number", w.newPhone
	}
	body[field] = address
	if body["verification_token"] != nil {
		body["verification_token"] = w.verified(false, field, address)
	} else {
		_, body["verification_code"] = w.code(false, field, address)
	}
	if body["password"] != nil {
		body["password"] = newPassword
	}
	if body["username"] != nil {
		body["username"] = w.newName
	}
	if body["anonymous_token"] == nil {
		return
	}
	access := w.post("/auth/v1/signin/anonymously", map[string]any{}).String("access_token")
	if _, object := body["anonymous_token"].(map[string]any); object {
		body["anonymous_token"] = map[string]any{"accessToken": access, "env": "dev"}
	} else {
		body["anonymous_token"] = access
	}
}

func (w *world) fillSignIn(body map[string]any) {
	w.t.Helper()
	switch {
	case body["params"] != nil:
		plain, err := json.Marshal(map[string]any{"username": w.username, "password": w.password})
		if err != nil {
			w.t.Fatal(err)
		}
		body["params"], body["public_key_thumbprint"] = w.seal(string(plain))
	case body["verification_token"] != nil:
		body["verification_token"] = w.verified(false, "email", w.email)
		if body["username"] != "" { // some calls leave it empty
			body["username"] = w.email
		}
	default:
		body["username"], body["password"] = w.username, w.password
	}
}

func (w *world) fillSend(body map[string]any) {
	own := body["target"] == "USER" || body["target"] == "CUR_USER"
	for field, address := range map[string][2]string{
		"phone_number": {w.newPhone, w.phone}, "email": {w.newEmail, w.email},
	} {
		switch {
		case body[field] == nil:
		case own:
			body[field] = address[1]
		default:
			body[field] = address[0]
		}
	}
}

func (w *world) fillReset(body map[string]any) {
	w.t.Helper()
	field, address := "email", w.email
	if body["phone_number"] != nil {
		field, address = "phone_number", w.phone
	}
	body[field], body["new_password"] = address, newPassword
	if body["verification_token"] != nil {
		body["verification_token"] = w.verified(false, field, address)
	}
}

func (w *world) fillGrant(body map[string]any) {
	w.t.Helper()
	switch body["grant_type"] {
	case "refresh_token":
		body["refresh_token"] = w.refresh
	case "password":
		body["username"], body["password"] = w.username, w.password
	default:
		d := w.post("/auth/v1/device/code", map[string]any{"scope": "user"})
		w.bearer(http.MethodPost, "/auth/v1/user/device/authorize", map[string]any{"user_code": d.String("user_code")})
		body["device_code"] = d.String("device_code")
	}
}

// fillOwn is for what a signed-in user does.
func (w *world) fillOwn(path string, body map[string]any) {
	w.t.Helper()
	switch path {
	case "/auth/v1/user/sudo":
		if body["password"] != nil {
			body["password"] = w.password
		} else {
			body["verification_token"] = w.verified(true, "phone_number", w.phone)
		}
	case "/auth/v1/user/password":
		body["new_password"] = newPassword
		if body["sudo_token"] != "" {
			body["sudo_token"] = w.sudo()
		}
	case "/auth/v1/user/contact":
		field, address := "email", w.newEmail
		if body["phone_number"] != nil {
			field, address = "phone_number", w.newPhone
		}
		body[field] = address
		body["verification_token"] = w.verified(true, field, address)
		if _, object := body["sudo_token"].(map[string]any); object {
			body["sudo_token"] = map[string]any{"sudo_token": w.sudo(), "expires_in": 900}
		} else {
			body["sudo_token"] = w.sudo()
		}
	case "/auth/v1/user/profile", "/auth/v1/user/basic/edit":
		w.fillEdit(body)
	case "/auth/v1/user/device/authorize":
		body["user_code"] = w.post("/auth/v1/device/code", map[string]any{}).String("user_code")
	case "/auth/v2/signin/password/update":
		body["username"] = w.username
		body["password"], body["public_key_thumbprint"] = w.seal(w.password)
		body["new_password"], _ = w.seal(newPassword)
	}
}

func (w *world) fillEdit(body map[string]any) {
	w.t.Helper()
	if body["username"] != nil {
		body["username"] = w.newName
	}
	if body["user_id"] != nil {
		body["user_id"] = w.id
	}
	if body["email"] != nil {
		body["email"] = w.newEmail
		w.verified(true, "email", w.newEmail)
	}
	if body["phone"] != nil {
		body["phone"] = w.newPhone
		w.verified(true, "phone_number", w.newPhone)
	}
	if body["encrypt_password"] != nil {
		body["encrypt_password"], body["public_key_thumbprint"] = w.seal(w.password)
		body["encrypt_new_password"], _ = w.seal(newPassword)
	}
}

// fillProvider is for what passes on the way to a provider and back. The name of a world's
// user is that of their WeChat.
func (w *world) fillProvider(r recorded, body map[string]any, query map[string]string) {
	w.t.Helper()
	b := &visitor{t: w.t, s: w.s, device: w.device}
	switch r.Path {
	case "/auth/v1/provider/uri":
		query["provider_id"] = "corp"
		if query["other_params[sign_out_uri]"] != "" {
			query["other_params[sign_out_uri]"] = page
		}
	case "/auth/v1/provider/token":
		w.fillProviderToken(b, r, body)
	case "/auth/v1/signin/with/provider", "/auth/v2/signin/with/provider":
		body["provider_token"] = b.granted(w.newName)
		if body["provider_id"] != nil {
			body["provider_id"] = "wx_open"
		}
	case "/auth/v1/signin/anonymously", "/auth/v1/user/trans/by/provider", "/auth/v1/user/provider/bind":
		if body["provider_token"] != nil {
			body["provider_token"] = b.granted(w.newName)
		}
	case "/auth/v1/user/provider/wx_open/trans":
		body["provider_trans_token"] = b.granted(w.newName)
	case "/auth/v1/user/provider/wx_open":
		w.bearerFrom(b, http.MethodPost, "/auth/v1/user/provider/bind", map[string]any{"provider_token": b.granted(w.username)})
	}
}

func (w *world) fillProviderToken(b *visitor, r recorded, body map[string]any) {
	w.t.Helper()
	switch {
	case r.Method == http.MethodPatch:
		body["provider_id"], body["provider_token"] = miniApp, b.mini("phone", w.username).String("provider_token")
		body["provider_params"] = map[string]any{"code": w.username + "-" + w.newPhone[4:] + "-1", "provider_code_type": "phone"}
	case body["provider_params"] != nil:
		body["provider_id"], body["provider_code"] = miniApp, b.code(w.username)
		body["provider_params"] = map[string]any{"provider_code_type": "open_id", "appid": miniApp}
	case body["provider_code"] != nil:
		body["provider_redirect_uri"], body["provider_code"] = page, b.code(w.username)
	default:
		body["provider_id"] = "corp"
	}
}

// bearerFrom is bearer on a device.
func (w *world) bearerFrom(b *visitor, method, path string, body map[string]any) {
	w.t.Helper()
	if a := b.do(method, path, body, "Authorization", "Bearer "+w.access); a.Status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Raw)
	}
}
