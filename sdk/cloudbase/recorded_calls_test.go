package cloudbase_test

import (
	"context"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

type playedCall = func(context.Context, *cloudbase.Auth) error

// only drops what a call returns beside its error.
func only[T any](_ T, err error) error { return err }

func send(r cloudbase.GetVerificationRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.GetVerification(ctx, r)) }
}

func enter(r cloudbase.SignInRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.SignIn(ctx, r)) }
}

func up(r cloudbase.SignUpRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.SignUp(ctx, r)) }
}

func sms(isUser bool, bind *cloudbase.BindInfo) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithSms(ctx, cloudbase.SignInWithSmsRequest{
			VerificationInfo: cloudbase.GetVerificationResponse{VerificationID: "vid", IsUser: isUser},
			VerificationCode: "000000", PhoneNum: "+86 13800000000", BindInfo: bind,
		}))
	}
}

func query(r cloudbase.QueryUserRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.QueryUser(ctx, r)) }
}

func sudo(r cloudbase.SudoRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.Sudo(ctx, r)) }
}

func reset(r cloudbase.ResetPasswordRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return a.ResetPassword(ctx, r) }
}

func setPassword(sudoToken string) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error {
		return a.SetPassword(ctx, cloudbase.SetPasswordRequest{NewPassword: "np", SudoToken: sudoToken})
	}
}

func grantToken(r cloudbase.GrantProviderTokenRequest) playedCall {
	return func(ctx context.Context, a *cloudbase.Auth) error { return only(a.GrantProviderToken(ctx, r)) }
}

func exists(ctx context.Context, a *cloudbase.Auth) error {
	return only(a.IsUsernameRegistered(ctx, "your_awesome_username"))
}

func token(ctx context.Context, a *cloudbase.Auth) error { return only(a.GetAccessToken(ctx)) }

// played is the Go form of each recorded call. What it is given is what the recorded
// program gave. One recording is not here: the JavaScript library writes +12025550123 as
// "+12 025550123", which is no country, and this package writes "+1 2025550123".
var played = map[string]playedCall{
	"auth.signInAnonymously()": func(ctx context.Context, a *cloudbase.Auth) error { return only(a.SignInAnonymously(ctx)) },
	"auth.signUp({phone_number,verification_code,verification_token,name,password,username,anonymous_token:<string>})": up(cloudbase.SignUpRequest{
		PhoneNumber: "+86 13800000000", VerificationCode: "000000", VerificationToken: "vt", Name: "手机用户", Password: "password",
		Username: "username", AnonymousToken: "jwt-1",
	}),
	"auth.signUp({email,verification_code,verification_token,...})": up(cloudbase.SignUpRequest{
		Email: "test@example.com", VerificationCode: "000000", VerificationToken: "vt", Name: "n", Gender: "MALE", Picture: "p",
		Locale: "zh-CN", Password: "pw",
	}),
	"auth.getVerification({phone_number:'+86 13800000000'}) signed out": send(cloudbase.GetVerificationRequest{PhoneNumber: "+86 13800000000"}),
	"auth.getVerification({phone_number:'+8613800000000'}) signed out":  send(cloudbase.GetVerificationRequest{PhoneNumber: "+8613800000000"}),
	"auth.getVerification({phone_number:'13800000000'}) signed out":     send(cloudbase.GetVerificationRequest{PhoneNumber: "13800000000"}),
	"auth.getVerification({phone_number:'+1 2025550123'}) signed out":   send(cloudbase.GetVerificationRequest{PhoneNumber: "+1 2025550123"}),
	"auth.getVerification({email}) signed out":                          send(cloudbase.GetVerificationRequest{Email: "test@example.com"}),
	"auth.getVerification({email}) signed in":                           send(cloudbase.GetVerificationRequest{Email: "test@example.com"}),
	"auth.getVerification({email,target:'ANY',usage:'REGISTER'})": send(cloudbase.GetVerificationRequest{
		Email: "test@example.com", Target: cloudbase.TargetAny, Usage: "REGISTER",
	}),
	"auth.getVerification({email},{withCaptcha:false}) target CUR_USER signed in": send(cloudbase.GetVerificationRequest{
		Email: "test@example.com", Target: cloudbase.TargetCurrentUser,
	}),
	"auth.verify({verification_id,verification_code})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.Verify(ctx, cloudbase.VerifyRequest{VerificationID: "vid", VerificationCode: "000000"}))
	},
	"2x non-JSON 502 then OK -> auth.verify (retry)": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.Verify(ctx, cloudbase.VerifyRequest{VerificationID: "v", VerificationCode: "1"}))
	},
	"auth.signIn({username:'myname',password})":          enter(cloudbase.SignInRequest{Username: "myname", Password: "your password"}),
	"auth.signIn({username:'+86 13800000000',password})": enter(cloudbase.SignInRequest{Username: "+86 13800000000", Password: "p"}),
	"auth.signIn({username:'test@example.com',verification_token})": enter(cloudbase.SignInRequest{
		Username: "test@example.com", VerificationToken: "vt",
	}),
	"auth.signIn({username,password,version:'v2'})": enter(cloudbase.SignInRequest{Username: "myname", Password: "p", Version: cloudbase.V2}),
	"auth.signIn({username,password,isEncrypt:true,version:'v2'})": enter(cloudbase.SignInRequest{
		Username: "myname", Password: "p", Version: cloudbase.V2, Encrypt: true,
	}),
	"auth.signIn({..., isEncrypt:true}) v1":                                      enter(cloudbase.SignInRequest{Username: "myname", Password: "p", Encrypt: true}),
	"init({env:'envA',clientId:'clientX',lang:'en-US'}) then signIn":             enter(cloudbase.SignInRequest{Username: "u", Password: "p"}),
	"signIn -> captcha_required with a cached token (no dialog)":                 enter(cloudbase.SignInRequest{Username: "u", Password: "p"}),
	"getVerification -> captcha_invalid forces a new captcha":                    send(cloudbase.GetVerificationRequest{PhoneNumber: "+86 13800000000"}),
	"getVerification -> captcha_required: dialog, wrong key, refresh, right key": send(cloudbase.GetVerificationRequest{PhoneNumber: "+86 13800000000"}),
	"auth.getCurrentUser()": func(ctx context.Context, a *cloudbase.Auth) error { return only(a.GetCurrentUser(ctx)) },
	"auth.getUserInfo()":    func(ctx context.Context, a *cloudbase.Auth) error { return only(a.GetUserInfo(ctx)) },
	"auth.currentUser.update({gender:'MALE',name:'新名'})": func(ctx context.Context, a *cloudbase.Auth) error {
		s, _ := a.HasLoginState(ctx)
		return s.User().Update(ctx, cloudbase.UserUpdate{Gender: new("MALE"), Name: new("新名")})
	},
	"auth.currentUser.refresh()": func(ctx context.Context, a *cloudbase.Auth) error {
		s, _ := a.HasLoginState(ctx)
		return only(s.User().Refresh(ctx))
	},
	"auth.sudo({password})":                          sudo(cloudbase.SudoRequest{Password: "test_password"}),
	"auth.sudo({verification_token})":                sudo(cloudbase.SudoRequest{VerificationToken: "vt"}),
	"auth.setPassword({new_password,sudo_token})":    setPassword("st"),
	"auth.setPassword({new_password,sudo_token:''})": setPassword(""),
	"auth.bindPhoneNumber({phone_number,sudo_token,verification_token})": func(ctx context.Context, a *cloudbase.Auth) error {
		return a.BindPhoneNumber(ctx, cloudbase.BindPhoneRequest{PhoneNumber: "+86 13800000001", SudoToken: "st", VerificationToken: "vt"})
	},
	"auth.bindEmail({email,sudo_token,verification_token})": func(ctx context.Context, a *cloudbase.Auth) error {
		return a.BindEmail(ctx, cloudbase.BindEmailRequest{Email: "new@example.com", SudoToken: "st", VerificationToken: "vt"})
	},
	"auth.resetPassword({phone_number,new_password,verification_token}) signed in": reset(cloudbase.ResetPasswordRequest{
		PhoneNumber: "+86 13800000000", NewPassword: "np", VerificationToken: "vt",
	}),
	"auth.resetPassword({email,...}) signed out": reset(cloudbase.ResetPasswordRequest{Email: "a@b.c", NewPassword: "np", VerificationToken: "vt"}),
	"seed literal: auth.resetPassword({..., verification_token: undefined})": reset(cloudbase.ResetPasswordRequest{
		PhoneNumber: "+86 13800000000", NewPassword: "np",
	}),
	"auth.queryUser({username})":               query(cloudbase.QueryUserRequest{Username: "test_username"}),
	"auth.queryUser({id:['a','b']})":           query(cloudbase.QueryUserRequest{ID: []string{"a", "b"}}),
	"auth.queryUser({email,phone_number})":     query(cloudbase.QueryUserRequest{Email: "test@example.com", PhoneNumber: "+86 13800000000"}),
	"auth.isUsernameRegistered('x') signed in": exists,
	"env with a space":                         func(ctx context.Context, a *cloudbase.Auth) error { return only(a.IsUsernameRegistered(ctx, "x")) },
	"auth.getProviders()":                      func(ctx context.Context, a *cloudbase.Auth) error { return only(a.GetProviders(ctx)) },
	"auth.bindWithProvider({provider_token})": func(ctx context.Context, a *cloudbase.Auth) error {
		return a.BindWithProvider(ctx, cloudbase.BindWithProviderRequest{ProviderToken: "pt"})
	},
	"auth.unbindProvider({provider_id:'wx_open'})": func(ctx context.Context, a *cloudbase.Auth) error {
		return a.UnbindProvider(ctx, cloudbase.UnbindProviderRequest{ProviderID: "wx_open"})
	},
	"auth.deleteMe({sudo_token})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.DeleteMe(ctx, cloudbase.WithSudoRequest{SudoToken: "your sudo_token"}))
	},
	"auth.signOut()": func(ctx context.Context, a *cloudbase.Auth) error { return a.SignOut(ctx) },
	"setCustomSignFunc(async()=>ticket); signInWithCustomTicket()": func(ctx context.Context, a *cloudbase.Auth) error {
		a.SetCustomSignFunc(func(context.Context) (string, error) { return "keyid/@@/aaa.bbb.ccc", nil })
		return only(a.SignInWithCustomTicket(ctx))
	},
	"auth.signInWithSms({verificationInfo(is_user:true),verificationCode,phoneNum})": sms(true, nil),
	"auth.signInWithSms({verificationInfo(is_user:false),...})":                      sms(false, nil),
	"auth.signInWithSms(bindInfo)":                                                   sms(true, &cloudbase.BindInfo{ProviderToken: "ptk", ProviderID: "pid"}),
	"auth.signInWithSms(bindInfo, is_user:false)":                                    sms(false, &cloudbase.BindInfo{ProviderToken: "ptk", ProviderID: "pid"}),
	"auth.genProviderRedirectUri({provider_id,provider_redirect_uri,state,other_params:{sign_out_uri}})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.GenProviderRedirectURI(ctx, cloudbase.GenProviderRedirectURIRequest{
			ProviderID: "wx_open", ProviderRedirectURI: "http://127.0.0.1:18081/cb?x=1", State: "wx_open",
			OtherParams: map[string]string{"sign_out_uri": "test_sign_out_uri", "foo": "b r"},
		}))
	},
	"auth.grantProviderToken({provider_id,provider_redirect_uri,provider_code})": grantToken(cloudbase.GrantProviderTokenRequest{
		ProviderID: "wx_open", ProviderRedirectURI: "cur page", ProviderCode: "provider code",
	}),
	"auth.grantProviderToken({provider_id,provider_access_token,provider_id_token})": grantToken(cloudbase.GrantProviderTokenRequest{
		ProviderID: "oidc", ProviderAccessToken: "at", ProviderIDToken: "idt",
	}),
	"auth.signInWithProvider({provider_token})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithProvider(ctx, cloudbase.SignInWithProviderRequest{ProviderToken: "pt"}))
	},
	"auth.signInWithProvider({provider_token,provider_id,version:'v2'})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithProvider(ctx, cloudbase.SignInWithProviderRequest{ProviderToken: "pt", ProviderID: "p", Version: cloudbase.V2}))
	},
	"auth.refreshTokenForce()":                       token,
	"auth.refreshTokenForce({version:'v2'})":         token,
	"anonymous: refresh invalid_grant -> re-sign-in": token,
	"mini-program: auth.signInWithOpenId({useWxCloud:false})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithOpenID(ctx, cloudbase.SignInWithOpenIDRequest{AppID: "wx1234567890", Code: "jscode-cgm7o5"}))
	},
	"mini-program: auth.signInWithUnionId()": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithUnionID(ctx, cloudbase.SignInWithUnionIDRequest{AppID: "wx1234567890", Code: "jscode-hbjrpc"}))
	},
	"mini-program: auth.signInWithPhoneAuth({phoneCode:'pc'})": func(ctx context.Context, a *cloudbase.Auth) error {
		return only(a.SignInWithPhoneAuth(ctx, cloudbase.SignInWithPhoneAuthRequest{AppID: "wx1234567890", Code: "jscode-yr1dtk", PhoneCode: "pc"}))
	},
}
