function _secretfs_hook --on-event fish_prompt --on-variable PWD
    command secretfs hook --changes fish | source
end
