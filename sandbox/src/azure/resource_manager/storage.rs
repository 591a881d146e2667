//! Microsoft.Storage: the workspace's storage account, and whether it takes keys.
//! <https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent>

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Call, check_group};
use crate::seed;

const KIND: &str = "Microsoft.Storage/storageAccounts";

impl Call<'_> {
    /// Serves one storage account.
    pub(super) fn storage_account(&self, group: &str, account: &str) -> Answer {
        let parent = format!("/subscriptions/{}/resourceGroups/{group}", seed::SUBSCRIPTION);
        let scope = format!("{parent}/providers/{KIND}/{account}");
        let action = match self.method {
            Method::GET => "read",
            Method::PATCH => "write",
            _ => return Err(Refusal::method(&self.method)),
        };
        self.require(&format!("{KIND}/{action}"), &scope)?;
        check_group(group)?;
        if !account.eq_ignore_ascii_case(seed::STORAGE_ACCOUNT) {
            return Err(Refusal::resource_not_found(KIND, account));
        }
        let mut models = self.shared.azure.models();
        if self.method == Method::PATCH {
            models.keys_are_off = self.wanted_keys()?.map_or(models.keys_are_off, |allowed| !allowed);
        }
        let allowed = !models.keys_are_off;
        drop(models);
        Ok((StatusCode::OK, shown(&scope, allowed)))
    }

    /// `allowSharedKeyAccess` of an update, the one property that the sandbox plays.
    fn wanted_keys(&self) -> Result<Option<bool>, Refusal> {
        let wanted = self.body.pointer("/properties/allowSharedKeyAccess");
        let read = |value: &Value| {
            value.as_bool().ok_or_else(|| {
                let message =
                    "The request content was invalid: 'allowSharedKeyAccess' must be true or false.";
                Refusal::bad_request("InvalidRequestContent", message.to_owned())
            })
        };
        wanted.map(read).transpose()
    }
}

fn shown(scope: &str, allowed: bool) -> Value {
    json!({
        "id": scope,
        "name": seed::STORAGE_ACCOUNT,
        "type": KIND,
        "location": seed::REGION,
        "kind": "StorageV2",
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "tags": {},
        "properties": {
            "allowBlobPublicAccess": false,
            "allowSharedKeyAccess": allowed,
            "supportsHttpsTrafficOnly": true,
            "provisioningState": "Succeeded",
        },
    })
}
