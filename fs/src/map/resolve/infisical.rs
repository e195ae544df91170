//! `type: infisical`, with its defaults: the map's own, and what the environment and `.infisical.json`
//! stand in for (see `map::defaults`).

use super::providers::{SHORT_FORM, text};
use super::{Resolver, or};
use crate::map::Defaults;
use crate::map::plan::ProviderSettings;
use crate::map::rules::{Broken, name};
use crate::map::source::{Auth, InfisicalSource, Maybe};
use crate::map::span::{Span, Spanned};
use crate::map::units::quote;

const INFISICAL_SITE: &str = "https://app.infisical.com";
/// Where a pod has the token of its service account, and the variable that says otherwise.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const POD_TOKEN_KEY: &str = "INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH";

impl Resolver<'_> {
    /// `declared`: where it is; `None`: the short form implies it, which is complete in itself.
    pub(super) fn infisical(
        &mut self,
        name: &str,
        p: &InfisicalSource,
        declared: Option<Span>,
    ) -> ProviderSettings {
        let at = declared.unwrap_or_default();
        let insecure = or(&p.allow_insecure_http, false);
        let left_out = declared.map(|_| self.defaults.clone()).unwrap_or_default();
        let project_id = self.project(name, p, at, &left_out);
        // What the file says of its project holds for that one alone.
        let file = left_out
            .project
            .filter(|file| project_id.as_ref() == Some(&file.id));
        let (file_environment, file_path) =
            file.map(|f| (f.environment, f.path)).unwrap_or_default();
        let path = self.folder_of(&p.path).or_else(|| {
            let path = left_out.path.map(|path| ("INFISICAL_SECRET_PATH", path));
            let path = path.or(file_path.map(|path| ("defaultSecretPath", path)));
            path.and_then(|(key, path)| self.accept(at, name::folder(key, &path)))
        });
        let environment = text(&p.environment);
        if let Some(environment) = &p.environment {
            self.accept(environment.at, name::environment(&environment.value));
        }
        let environment = environment.or_else(|| {
            let environment = left_out
                .environment
                .map(|text| ("INFISICAL_ENVIRONMENT", text));
            let environment =
                environment.or(file_environment.map(|text| (".infisical.json", text)));
            environment.and_then(|(key, text)| self.checked(at, key, text, name::environment))
        });
        let auth = p.auth.as_ref().map(|auth| auth.value);
        let identity_id = text(&p.identity_id).or(left_out.identity_id);
        let jwt_file = self.outside("jwt_file", "the token file", &p.jwt_file);
        let jwt_file = jwt_file.or_else(|| {
            let in_pod = match auth {
                Some(auth) => auth == Auth::Kubernetes,
                None => identity_id.is_some(),
            };
            let file = left_out.jwt_file.unwrap_or_else(|| POD_TOKEN.to_owned());
            let file = in_pod.then(|| Spanned::new(file, at));
            self.outside(POD_TOKEN_KEY, "the token file", &file)
        });
        let site_url = self.url("site_url", &p.site_url, insecure);
        // The short form is of the server that the environment names, as the others are.
        let elsewhere = self
            .defaults
            .site_url
            .clone()
            .filter(|_| p.site_url.is_none());
        let site_url = site_url.or_else(|| {
            let site = Some(Spanned::new(elsewhere?, at));
            self.url("INFISICAL_DOMAIN", &site, insecure)
        });
        ProviderSettings::Infisical {
            site_url: site_url.unwrap_or_else(|| INFISICAL_SITE.to_owned()),
            project_id,
            project_slug: text(&p.project_slug),
            environment: environment.unwrap_or_else(|| "dev".to_owned()),
            path: path.unwrap_or_else(|| "/".to_owned()),
            auth: auth.map(|auth| auth.word().to_owned()),
            identity_id,
            jwt_file,
            expand_references: or(&p.expand_references, true),
            include_imports: or(&p.include_imports, true),
            personal: or(&p.personal, false),
            events: or(&p.events, false),
            ca_file: self.outside("ca_file", "the CA bundle", &p.ca_file),
            allow_insecure_http: insecure,
        }
    }

    fn project(
        &mut self,
        name: &str,
        p: &InfisicalSource,
        at: Span,
        left_out: &Defaults,
    ) -> Option<String> {
        let short = self.config.infisical_project_id.as_ref();
        let short = short.filter(|_| name == SHORT_FORM);
        match (&p.project_id, &p.project_slug, short) {
            (Some(id), Some(slug), _) => {
                self.problems.twice(
                    slug.at,
                    id.at,
                    "both `project_id` and `project_slug`",
                    "keep one of them",
                );
                None
            }
            (Some(id), None, Some(short)) if id.value != short.value => {
                self.problems.twice(
                    short.at,
                    id.at,
                    "`infisical_project_id` and the provider's `project_id` differ",
                    "keep one of them",
                );
                None
            }
            (Some(id), ..) => Some(id.value.clone()),
            (None, Some(_), _) => None,
            (None, None, Some(short)) => Some(short.value.clone()),
            (None, None, None) => {
                let file = left_out.project.as_ref().map(|file| &file.id);
                let elsewhere = left_out.project_id.as_ref().or(file).cloned();
                if elsewhere.is_none() {
                    self.problems.add(
                        at,
                        format!("the provider {} has no project", quote(name)),
                        "write `project_id:` (the settings of the project show it) or `project_slug:`",
                    );
                }
                elsewhere
            }
        }
    }

    fn folder_of(&mut self, path: &Maybe<String>) -> Option<String> {
        let path = path.as_ref()?;
        let checked = name::folder("path", &path.value);
        self.accept(path.at, checked)
    }

    /// A value that does not stand in the map: what is wrong with it is told with where it does.
    fn checked(
        &mut self,
        at: Span,
        key: &str,
        text: String,
        check: impl Fn(&str) -> Result<(), Broken>,
    ) -> Option<String> {
        let checked = check(&text).map_err(|broken| Broken {
            message: format!("{key}: {}", broken.message),
            ..broken
        });
        self.accept(at, checked.map(|()| text))
    }
}
