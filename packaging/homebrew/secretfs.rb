# Homebrew on Linux: `brew install --formula ./secretfs.rb`, from a release's own copy of this file, which has
# the checksum of its source archive.
class Secretfs < Formula
  desc "Secrets of a vault as read-only files, held only in locked memory"
  homepage "https://github.com/secretfs/secretfs"
  url "https://github.com/secretfs/secretfs/releases/download/v0.1.0/secretfs-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["Apache-2.0", "MIT"]

  depends_on "rust" => :build
  depends_on :linux

  def install
    system "cargo", "build", "--release", "--locked", "-p", "secretfs"
    system "packaging/stage.sh", "--destdir", buildpath/"stage", "--prefix", prefix,
           "--binary", "target/release/secretfs"
    prefix.install Dir["stage#{prefix}/*"]
  end

  def caveats
    <<~EOS
      Mounting needs fusermount3 of your distribution (package fuse3), which is set-user-id
      and so cannot come from Homebrew. `secretfs doctor` says what else is missing.
    EOS
  end

  test do
    (testpath/"secrets.yml").write <<~YAML
      providers:
        vault: {type: local, file: #{testpath}/vault.age}
      secrets:
        - {name: A, file: a, env: A_FILE}
    YAML
    assert_match version.to_s, shell_output("#{bin}/secretfs --version")
    assert_match "1 entry", shell_output("#{bin}/secretfs check --map #{testpath}/secrets.yml")
  end
end
