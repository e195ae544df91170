# services.secretfs for home-manager:
#
#   imports = [ inputs.secretfs.homeManagerModules.default ];
#   services.secretfs = {
#     enable = true;
#     settings = {
#       providers.vault = { type = "local"; file = "~/.local/share/secretfs/vault.age"; };
#       secrets = [ { name = "KUBE_CONFIG"; file = "kubeconfig"; env = "KUBECONFIG"; } ];
#     };
#   };
#
# The map holds names, no secret, and lies in the store, which everybody can read.
self:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.secretfs;
  yaml = pkgs.formats.yaml { };
in
{
  options.services.secretfs = {
    enable = lib.mkEnableOption "secretfs, the secrets of a vault as read-only files";

    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = lib.literalExpression "inputs.secretfs.packages.\${system}.default";
      description = "The package to use.";
    };

    settings = lib.mkOption {
      type = lib.types.nullOr yaml.type;
      default = null;
      description = ''
        The map, written to {file}`~/.config/secretfs/secrets.yml`. `null`: that file is yours.
        It names secrets and never holds one.
      '';
    };

    mountpoint = lib.mkOption {
      type = lib.types.str;
      default = "%h/secrets";
      description = "Where the files are. `%h` is the home folder.";
    };

    fusermount3 = lib.mkOption {
      type = lib.types.str;
      default = "/run/wrappers/bin/fusermount3";
      example = "/usr/bin/fusermount3";
      description = "The set-user-id fusermount3 of the system; elsewhere than on NixOS, the distribution's.";
    };

    lockUnit = lib.mkEnableOption "the unit that locks with lock.target and sleep.target of systemd-lock-handler";

    direnv = lib.mkOption {
      type = lib.types.bool;
      default = config.programs.direnv.enable or false;
      defaultText = lib.literalExpression "config.programs.direnv.enable";
      description = "Whether `use secretfs` works in an {file}`.envrc`.";
    };
  };

  config = lib.mkIf cfg.enable {
    home.packages = [ cfg.package ];

    xdg.configFile = lib.mkMerge [
      (lib.mkIf (cfg.settings != null) {
        "secretfs/secrets.yml".source = yaml.generate "secrets.yml" cfg.settings;
      })
      (lib.mkIf cfg.direnv {
        "direnv/lib/secretfs.sh".source = "${cfg.package}/share/secretfs/direnv/secretfs.sh";
      })
    ];

    # As packaging/systemd/user, whose comments say why it is so and what must not be added.
    systemd.user.services = {
      secretfs = {
        Unit = {
          Description = "Secrets of a vault as read-only files";
          Documentation = "https://github.com/secretfs/secretfs";
          PartOf = [ "graphical-session.target" ];
        };
        Service = {
          Type = "notify";
          NotifyAccess = "main";
          ExecStart = "${cfg.package}/bin/secretfs mount --foreground ${cfg.mountpoint}";
          ExecStopPost = "-${cfg.fusermount3} -u -z -q -- ${cfg.mountpoint}";
          KillMode = "mixed";
          TimeoutStopSec = 15;
          Restart = "no";
          UMask = "0077";
          LimitCORE = 0;
          LimitMEMLOCK = "8M";
          OOMPolicy = "stop";
        };
        Install.WantedBy = [ "default.target" ];
      };
      secretfs-lock = lib.mkIf cfg.lockUnit {
        Unit = {
          Description = "Lock the secrets of secretfs";
          Documentation = "https://github.com/secretfs/secretfs";
          Before = [
            "lock.target"
            "sleep.target"
          ];
        };
        Service = {
          Type = "oneshot";
          ExecStart = "${cfg.package}/bin/secretfs lock --all";
          TimeoutStartSec = 10;
        };
        Install.WantedBy = [
          "lock.target"
          "sleep.target"
        ];
      };
    };
  };
}
