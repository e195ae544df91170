//! What there is in a vault, for a first map: `op item list`, then `op item get` for each item by its ids,
//! which costs one request (contract onepassword.md §3.6).

use super::call::OpCall;
use super::complaint::Complaint;
use super::run::{Call, No};
use super::sink::ListSink;
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::is_id;
use crate::onepassword::survey::{Finds, Listed, MOST_ITEMS};
use crate::onepassword::wish::Files;
use crate::provider::{BoxFuture, Survey};

impl Call<'_> {
    /// All of the vault of this name or id.
    pub(super) fn survey<'a>(
        &'a self,
        vault: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        Box::pin(async move {
            let listed = self.items(vault).await?;
            let all = listed.items.len();
            let mut finds = Finds::new(vault, &listed);
            for (at, one) in listed.items.iter().enumerate() {
                seen(at, all);
                match self.get(&listed.id, &one.id, &[], Files::Exist).await {
                    Ok(item) if item.id != one.id => {
                        return finds.stop(self.nonsense("it is another item than was asked for"));
                    }
                    Ok(item) => {
                        if !finds.add(one, &item) {
                            return Ok(finds.finish(at + 1 == all));
                        }
                    }
                    // Gone by now, or hidden.
                    Err(No::This(Complaint::NoItem | Complaint::Denied)) => {}
                    Err(no) => return finds.stop(self.unsurveyed(vault, no)),
                }
            }
            seen(all, all);
            Ok(finds.finish(true))
        })
    }

    async fn items(&self, vault: &str) -> Result<Listed, ProviderError> {
        let call = OpCall::Items {
            vault: vault.to_owned(),
        };
        let sink = self.run(call, || ListSink::new(MOST_ITEMS)).await;
        let sink = sink.map_err(|no| self.unsurveyed(vault, no))?;
        let found = sink.finish();
        let (items, is_cut) = found.ok_or_else(|| self.nonsense("it is no list"))?;
        // Each of the list says of which vault it is. An empty vault has no one to say it, and nobody asks.
        let named = items.first().map(|item| item.vault.clone());
        let id = named.unwrap_or_default();
        let is_one = items.iter().all(|item| item.vault == id);
        if !(items.is_empty() || is_id(&id) && is_one) {
            return Err(self.nonsense("it is no list of one vault"));
        }
        Ok(Listed { id, items, is_cut })
    }

    fn unsurveyed(&self, vault: &str, no: No) -> ProviderError {
        match no {
            No::All(error) => error,
            No::This(Complaint::NoVault) => self.of.error(
                ErrorKind::Missing,
                &format!("there is no vault {vault:?}, or it may not be read"),
                "check the vault's name or id (`op vault list`), and what a service account may read",
            ),
            No::This(Complaint::Denied) => self.of.error(
                ErrorKind::Denied,
                &format!("the vault {vault:?} may not be read"),
                "give the account or the service account read access to it in 1Password",
            ),
            No::This(_) => self.of.error(
                ErrorKind::Protocol,
                &format!("the program `op` failed to list the vault {vault:?}"),
                "run `op item list` in a terminal to see what it complains about",
            ),
        }
    }
}
