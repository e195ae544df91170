//! What a server holds before a test begins. Each takes the simulator and gives it back.

use super::accounts::Identity;
use super::limiter::{Limiter, Limits};
use super::site::Site;
use super::world::{Import, Project};
use super::{Infisical, Role};

impl Infisical {
    fn with(self, change: impl FnOnce(&mut Site)) -> Self {
        self.site(change);
        self
    }

    /// Another project, with the environments dev, staging and prod.
    #[must_use]
    pub fn project(self, id: &str, slug: &str) -> Self {
        self.with(|site| {
            let mut project = Project {
                id: id.to_owned(),
                slug: slug.to_owned(),
                environments: Vec::new(),
            };
            let now = site.clock.now();
            for slug in ["dev", "staging", "prod"] {
                project.add_environment(slug, &mut site.ids, now);
            }
            site.world.projects.push(project);
        })
    }

    /// A secret of dev.
    #[must_use]
    pub fn secret(self, path: &str, key: &str, value: &str) -> Self {
        self.set(path, key, value);
        self
    }

    /// A secret of some environment.
    #[must_use]
    pub fn secret_in(self, environment: &str, path: &str, key: &str, value: &str) -> Self {
        self.set_in(environment, path, key, value);
        self
    }

    /// A folder of dev, also without secrets.
    #[must_use]
    pub fn folder(self, path: &str) -> Self {
        self.with(|site| {
            let _made = site.folder_mut("dev", path);
        })
    }

    /// The folder `into` of dev shows what is in another one, too. The last import wins.
    #[must_use]
    pub fn import(self, into: &str, environment: &str, path: &str) -> Self {
        self.with(|site| {
            let id = site.ids.next();
            site.folder_mut("dev", into).imports.push(Import {
                id,
                environment: environment.to_owned(),
                path: path.to_owned(),
            });
        })
    }

    /// Another identity.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        self.with(|site| site.accounts.identities.push(identity))
    }

    /// No identity but this one.
    #[must_use]
    pub fn only_identity(self, identity: Identity) -> Self {
        self.with(|site| site.accounts.identities = vec![identity])
    }

    /// What the first identity may do.
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        self.set_role(role);
        self
    }

    /// The rate limiter of the cloud.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.with(|site| site.limiter = Some(Limiter::new(limits)))
    }
}
