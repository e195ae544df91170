//! `env:`: names that `secretfs env` exports. What it prints is evaluated by a shell, and a map
//! comes with a repository, so a map must not be able to change how programs find or load code.

use super::Broken;
use crate::map::units::quote;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Prefixes of names that configure loaders and tools.
const PREFIXES: &[(&str, &str)] = &[
    ("LD_", "the dynamic linker"),
    ("DYLD_", "the dynamic linker"),
    ("_RLD", "the dynamic linker"),
    ("BASH_FUNC_", "bash"),
    ("SECRETFS_", "secretfs itself"),
    ("GIT_CONFIG", "git"),
    ("PYTHON", "Python"),
    ("PERL", "Perl"),
    ("RUBY", "Ruby"),
    ("NODE_", "Node"),
    ("npm_config_", "npm"),
    ("NPM_CONFIG_", "npm"),
    ("PIP_", "pip"),
    ("LUA_", "Lua"),
    ("MALLOC_", "the C library"),
    ("CARGO_TARGET_", "cargo"),
    ("CARGO_BUILD_", "cargo"),
    ("CARGO_ALIAS_", "cargo"),
];

/// Names within those prefixes that hold the path of a credential, which is what a map is for.
const HARMLESS: &[&str] = &[
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_USERCONFIG",
    "npm_config_userconfig",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
];

/// Whole names.
const NAMES: &[(&str, &str)] = &[
    (
        "BASH_ENV ENV BASHOPTS SHELLOPTS PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 IFS CDPATH \
         GLOBIGNORE EXECIGNORE HISTFILE INPUTRC BASH_XTRACEFD BASH_LOADABLES_PATH \
         HOSTFILE POSIXLY_CORRECT FCEDIT TIMEFORMAT ZDOTDIR FPATH MODULE_PATH NULLCMD \
         READNULLCMD PROMPT RPROMPT fish_function_path fish_complete_path fish_user_paths \
         path fpath cdpath module_path prompt precmd_functions",
        "the shell",
    ),
    (
        "PATH HOME SHELL PWD OLDPWD USER LOGNAME UID EUID PPID TMPDIR TMP TEMP TERM \
         TERMINFO TERMINFO_DIRS TERMCAP LANG LANGUAGE LOCPATH NLSPATH TZ TZDIR \
         XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_DATA_HOME XDG_DATA_DIRS XDG_RUNTIME_DIR \
         XDG_STATE_HOME XDG_CACHE_HOME XDG_BIN_HOME DBUS_SESSION_BUS_ADDRESS \
         DBUS_SYSTEM_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY XAUTHORITY SSH_AUTH_SOCK MAIL \
         MAILPATH",
        "where programs find things",
    ),
    (
        "GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LOCALDOMAIN RES_OPTIONS \
         RESOLV_HOST_CONF OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES SSLKEYLOGFILE \
         LIBPATH SHLIB_PATH NIS_PATH GIO_EXTRA_MODULES GIO_MODULE_DIR GTK_MODULES \
         GTK_PATH GTK_EXE_PREFIX GTK_IM_MODULE_FILE GDK_PIXBUF_MODULE_FILE QT_PLUGIN_PATH \
         QT_QPA_PLATFORM_PLUGIN_PATH QML_IMPORT_PATH QML2_IMPORT_PATH VK_LAYER_PATH \
         VK_ICD_FILENAMES VK_DRIVER_FILES LIBGL_DRIVERS_PATH KRB5_CONFIG SASL_PATH MAGIC",
        "which code libraries load",
    ),
    (
        "EDITOR VISUAL PAGER BROWSER MANPAGER MANOPT LESS LESSOPEN LESSCLOSE LESSKEY \
         LESSKEYIN LESSKEY_SYSTEM SYSTEMD_PAGER SYSTEMD_EDITOR SYSTEMD_LESS DEBUGGER \
         SUDO_EDITOR SUDO_ASKPASS SSH_ASKPASS SSH_ASKPASS_REQUIRE VIMINIT EXINIT GVIMINIT \
         VIM VIMRUNTIME MYVIMRC EMACSLOADPATH EMACSPATH KUBE_EDITOR FZF_DEFAULT_COMMAND \
         FZF_DEFAULT_OPTS FZF_DEFAULT_OPTS_FILE RIPGREP_CONFIG_PATH BAT_PAGER \
         BAT_CONFIG_PATH DELTA_PAGER GH_EDITOR GH_BROWSER GH_PAGER AWS_PAGER TAR_OPTIONS \
         GREP_OPTIONS RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH SVN_SSH SVN_EDITOR HGRCPATH \
         HGEDITOR HG BZR_EDITOR SCP ANSIBLE_CONFIG ANSIBLE_LIBRARY CURL_HOME SCREENRC \
         TMUX INFOPATH MANPATH BASH_COMPLETION_USER_DIR BASH_COMPLETION_USER_FILE \
         DIRENV_CONFIG",
        "which programs other programs start",
    ),
    (
        "GIT_SSH GIT_SSH_COMMAND GIT_SSH_VARIANT GIT_EXEC_PATH GIT_PROXY_COMMAND \
         GIT_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF \
         GIT_DIFF_OPTS GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE GIT_COMMON_DIR \
         GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES \
         GIT_ATTR_SOURCE GIT_ATTR_GLOBAL GIT_ATTR_SYSTEM GIT_MERGE_VERBOSITY \
         GIT_ALLOW_PROTOCOL GIT_TRACE2_EVENT GIT_MAN_VIEWER GIT_TERMINAL_PROMPT",
        "git",
    ),
    (
        "JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME CLASSPATH \
         MAVEN_OPTS MAVEN_ARGS MAVEN_CONFIG GRADLE_OPTS GRADLE_USER_HOME ANT_OPTS \
         SBT_OPTS JVM_OPTS GROOVY_HOME SCALA_HOME CORECLR_PROFILER CORECLR_PROFILER_PATH \
         CORECLR_ENABLE_PROFILING COR_PROFILER COR_PROFILER_PATH COR_ENABLE_PROFILING \
         DOTNET_STARTUP_HOOKS DOTNET_ROOT DOTNET_ADDITIONAL_DEPS DOTNET_SHARED_STORE \
         MONO_PATH PSModulePath PSMODULEPATH",
        "which code a virtual machine loads",
    ),
    (
        "NODE BUN_OPTIONS DENO_DIR TS_NODE_PROJECT ELECTRON_RUN_AS_NODE YARN_RC_FILENAME \
         YARN_YARN_PATH COREPACK_HOME GEM_HOME GEM_PATH BUNDLE_GEMFILE BUNDLE_PATH \
         BUNDLE_CONFIG BUNDLE_APP_CONFIG IRBRC RAKEOPT RBENV_VERSION RBENV_ROOT \
         PYENV_ROOT PYENV_VERSION VIRTUAL_ENV CONDA_PREFIX IPYTHONDIR JUPYTER_PATH \
         JUPYTER_CONFIG_DIR PHPRC PHP_INI_SCAN_DIR COMPOSER_HOME R_HOME R_PROFILE \
         R_PROFILE_USER R_ENVIRON R_ENVIRON_USER R_LIBS R_LIBS_USER TCLLIBPATH \
         TCL_LIBRARY TK_LIBRARY GUILE_LOAD_PATH GUILE_LOAD_COMPILED_PATH JULIA_LOAD_PATH \
         JULIA_DEPOT_PATH JULIA_PROJECT OCAMLLIB OCAMLPATH CAML_LD_LIBRARY_PATH ERL_LIBS \
         ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ELIXIR_ERL_OPTIONS LUA_PATH LUA_CPATH LUA_INIT \
         AWKPATH AWKLIBPATH",
        "which code an interpreter loads",
    ),
    (
        "CC CXX CPP LD AR AS NM MAKE CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LDLIBS MAKEFLAGS \
         GNUMAKEFLAGS MFLAGS MAKEFILES MAKESHELL CMAKE_TOOLCHAIN_FILE CMAKE_PREFIX_PATH \
         CMAKE_MODULE_PATH CMAKE_PROJECT_TOP_LEVEL_INCLUDES PKG_CONFIG PKG_CONFIG_PATH \
         PKG_CONFIG_LIBDIR ACLOCAL_PATH M4PATH GCC_EXEC_PREFIX COMPILER_PATH LIBRARY_PATH \
         CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH RUSTC RUSTC_WRAPPER \
         RUSTC_WORKSPACE_WRAPPER RUSTDOC RUSTFLAGS RUSTDOCFLAGS RUSTUP_HOME \
         RUSTUP_TOOLCHAIN CARGO CARGO_HOME CARGO_ENCODED_RUSTFLAGS GOFLAGS GOROOT GOPATH \
         GOBIN GOENV GOTOOLDIR GOTOOLCHAIN GOCACHEPROG GOPROXY GOAUTH GOVCS NIX_PATH \
         NIX_CONFIG NIX_REMOTE NIX_USER_CONF_FILES GUIX_PACKAGE_PATH \
         DOCKER_CLI_PLUGIN_EXTRA_DIRS TF_CLI_ARGS TERRAFORM_CONFIG HELM_PLUGINS KREW_ROOT",
        "what a build tool runs",
    ),
];

/// Checks the name of a variable.
pub(in crate::map) fn check(name: &str) -> Result<(), Broken> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !(name.starts_with(first) && name.chars().all(plain)) {
        return Err(Broken::new(
            format!("`env` {} is not the name of a variable", quote(name)),
            "use letters, digits and `_`, not beginning with a digit",
        ));
    }
    if name.len() > 255 {
        return Err(Broken::new("`env` is too long", "at most 255 characters"));
    }
    match changes(name) {
        None => Ok(()),
        Some(what) => Err(Broken::new(
            format!("`env` {} is refused: it changes {what}", quote(name)),
            "choose another name, for example one that ends with `_FILE`",
        )),
    }
}

/// What a variable of that name changes, if it is refused.
fn changes(name: &str) -> Option<&'static str> {
    let prefix = PREFIXES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix) && !HARMLESS.contains(&name));
    prefix
        .map(|(_, what)| *what)
        .or_else(|| WHOLE.get(name).copied())
}

/// [`NAMES`] to look up: a map has as many variables as entries.
static WHOLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    NAMES
        .iter()
        .flat_map(|(names, what)| names.split_whitespace().map(|name| (name, *what)))
        .collect()
});
