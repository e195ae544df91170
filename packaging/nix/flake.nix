# nix run 'github:secretfs/secretfs?dir=packaging/nix' -- doctor
#
# Outputs: the package, an overlay, and a module for home-manager. On NixOS `programs.fuse` (on by default)
# brings the set-user-id fusermount3 that mounting needs.
{
  description = "Secrets of a vault as read-only files, held only in locked memory";

  # Rust 1.95 or later.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      forEach = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
      package = system: nixpkgs.legacyPackages.${system}.callPackage ./package.nix { };
    in
    {
      packages = forEach (system: {
        default = package system;
        secretfs = package system;
      });
      # Builds it, which runs the executable and lays out what is installed.
      checks = forEach (system: {
        secretfs = package system;
      });
      overlays.default = final: _: { secretfs = final.callPackage ./package.nix { }; };
      homeManagerModules = {
        default = import ./home-manager.nix self;
        secretfs = import ./home-manager.nix self;
      };
    };
}
