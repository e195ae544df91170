# The package; its version is the workspace's.
{ lib, rustPlatform }:
let
  manifest = builtins.fromTOML (builtins.readFile ../../Cargo.toml);
in
rustPlatform.buildRustPackage {
  pname = "secretfs";
  inherit (manifest.workspace.package) version;

  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  cargoBuildFlags = [
    "-p"
    "secretfs"
  ];

  # They mount, for which a build has neither the device nor fusermount3.
  doCheck = false;

  # Instead of the executable alone. Its own manual pages and completions are among it, so it runs here.
  installPhase = ''
    runHook preInstall
    patchShebangs packaging/stage.sh
    binary=$(find target -path '*/release/secretfs' -type f -perm -u+x | head -n 1)
    packaging/stage.sh --destdir stage --prefix "$out" --sbin bin --binary "$binary"
    mkdir -p "$out"
    cp -a "stage$out/." "$out/"
    runHook postInstall
  '';

  meta = {
    description = "Secrets of a vault as read-only files, held only in locked memory";
    homepage = "https://github.com/secretfs/secretfs";
    license = with lib.licenses; [
      asl20
      mit
    ];
    mainProgram = "secretfs";
    platforms = lib.platforms.linux;
  };
}
