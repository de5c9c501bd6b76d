using System.Buffers.Binary;
using System.Reflection;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests;

/// <summary>Bad input to the built program: one sentence with code and place, the exit code of its family, and nothing left behind.</summary>
public sealed class BadInputTests : IDisposable
{
    private static readonly string TestPlugins = typeof(BadInputTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static attribute => attribute.Key == "TestPlugins").Value!;

    private readonly Workspace _workspace = new();

    [Fact]
    public void No_plugins_json()
    {
        File.Delete(_workspace.At("plugins.json"));
        Refused("LA1001", 2, "plugins.json");
    }

    [Theory]
    [InlineData("{ \"run\": ", "LA1002", 2, "plugins.json(1,")]
    [InlineData("{ \"run\": {}, \"run\": {} }", "LA1006", 2, "run")]
    public void Not_json_or_a_key_twice(string text, string code, int exitCode, string mentions)
    {
        _workspace.Write("plugins.json", text);
        Refused(code, exitCode, mentions);
    }

    [Theory]
    [InlineData("run.stepz=3", "LA1003", 2, "'steps'")]
    [InlineData("run.steps=many", "LA1004", 2, "run.steps")]
    [InlineData("run.steps=0", "LA1005", 2, "run.steps")]
    [InlineData("run.dtype=bfloat17", "LA1008", 2, "bfloat16")]
    [InlineData("run.device=cuda:7", "LA1010", 2, "cuda:7")]
    [InlineData("algorithm.settings.alhpa=0.1", "LA1003", 2, "'alpha'")]
    [InlineData("rewards.1.name=reward", "LA1006", 2, "reward")]
    [InlineData("algorithm=leapaling", "LA2001", 3, "'leapalign'")]
    [InlineData("sampler.settings.steps=2", "LA3003", 4, "leapalign")]
    public void Wrong_settings(string setting, string code, int exitCode, string mentions) => Refused(code, exitCode, mentions, "--set", setting);

    [Theory]
    [InlineData("model")]
    [InlineData("rewards")]
    [InlineData("optimizer")]
    public void A_missing_part(string section)
    {
        _workspace.Json.Remove(section);
        _workspace.Save();
        Refused("LA3001", 4, section);
    }

    [Fact]
    public void A_reward_without_gradient_under_leapalign()
    {
        Drop("parts");
        _workspace.Json["rewards"]!.AsArray().Add((JsonNode)new JsonObject { ["id"] = "flat" });
        _workspace.Save();
        Refused("LA3002", 4, "leapalign");
        Refused("LA3002", 4, "flat");
    }

    [Theory]
    [InlineData("LA4001", "not-there", null, null)]
    [InlineData("LA4002", "FluxTransformer2DModel", "SD3Transformer2DModel", "FluxTransformer2DModel")]
    [InlineData("LA4003", "norm_", "\"qk_norm\": \"rms_norm\"", "\"qk_norm\": null")]
    [InlineData("LA4004", "pos_embed", "\"pos_embed_max_size\": ", "\"pos_embed_max_size\": 1")]
    public void A_model_that_is_not_what_its_config_says(string code, string mentions, string? from, string? to)
    {
        var model = from is null ? _workspace.At("not-there") : _workspace.Copy(Workspace.Model);
        if (from is not null)
        {
            var config = Path.Combine(model, "transformer", "config.json");
            var text = File.ReadAllText(config);
            Assert.Contains(from, text, StringComparison.Ordinal);
            File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        }
        Refused(code, 5, mentions, "--set", $"model.settings.folder={model}");
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(long.MaxValue)]
    public void A_header_that_is_too_long_or_a_file_that_is_cut(long headerLength)
    {
        var model = _workspace.Copy(Workspace.Model);
        using (var file = File.Open(Path.Combine(model, "transformer", "diffusion_pytorch_model.safetensors"), FileMode.Open))
        {
            var word = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(word, headerLength);
            if (headerLength > 0) file.Write(word);
            else file.SetLength(file.Length - 7);
        }
        Refused("LA4005", 5, "diffusion_pytorch_model.safetensors", "--set", $"model.settings.folder={model}");
    }

    [Fact]
    public void A_missing_shard()
    {
        var model = _workspace.Copy(Workspace.Model);
        File.Delete(Path.Combine(model, "transformer", "diffusion_pytorch_model.safetensors"));
        File.WriteAllText(Path.Combine(model, "transformer", "diffusion_pytorch_model.safetensors.index.json"), "{\"weight_map\": {\"proj_out.bias\": \"diffusion_pytorch_model-00001-of-00002.safetensors\"}}");
        Refused("LA4006", 5, "00001-of-00002", "--set", $"model.settings.folder={model}");
    }

    [Theory]
    [InlineData("", "LA4008", "train.txt")]
    [InlineData("one\nt\uFFFF", "LA4009", "train.txt(2,")]
    public void Bad_prompt_files(string text, string code, string mentions)
    {
        byte[] bytes = [.. System.Text.Encoding.Latin1.GetBytes(text.Replace('\uFFFF', 'ÿ'))];
        File.WriteAllBytes(_workspace.At("train.txt"), bytes);
        Refused(code, 5, mentions);
    }

    [Fact]
    public void A_plugin_folder_without_manifest_is_listed_and_takes_nothing_down()
    {
        File.Delete(Path.Combine(Drop("parts"), "plugin.json"));
        var list = _workspace.Leapalign("list");
        Assert.Equal(0, list.ExitCode);
        Assert.Contains("LA2002", list.Output, StringComparison.Ordinal);
        Assert.Equal(0, _workspace.Leapalign("validate").ExitCode);
    }

    [Theory]
    [InlineData("throws-in-constructor")]
    [InlineData("throws-in-parts")]
    public void A_plugin_that_throws_while_loading(string plugin)
    {
        var manifest = JsonNode.Parse(File.ReadAllText(Path.Combine(Drop(plugin), "plugin.json")))!;
        var part = manifest["parts"]!.AsArray().First()!;
        var section = (string)part["kind"]! == "reward" ? "rewards.0" : (string)part["kind"]!;
        Refused("LA2007", 3, plugin, "--set", $"{section}={(string)part["id"]!}");
    }

    [Theory]
    [InlineData("throws-in-requires", "LA2007", 3)]
    [InlineData("throws-in-settings", "LA2007", 3)]
    [InlineData("throws-in-create", "LA2007", 3)]
    [InlineData("fails-in-create", "LA4001", 5)]
    public void A_plugin_that_throws_in_a_later_step_of_its_life(string algorithm, string code, int exitCode)
    {
        Drop("parts");
        Refused(code, exitCode, code == "LA2007" ? "parts" : "absent", "--set", $"algorithm={algorithm}", "--set", algorithm == "throws-in-settings" ? "algorithm.settings.value=13" : "run.seed=0");
    }

    [Fact]
    public void A_missing_dependency_and_a_copy_of_a_shared_assembly()
    {
        File.Delete(Path.Combine(Drop("speaks-1"), "TestPlugins.Words.dll"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "LeapAlign.Contracts.dll"), Path.Combine(Drop("speaks-2"), "LeapAlign.Contracts.dll"));
        var list = _workspace.Leapalign("list").Output;
        Assert.Contains("LA2005", list, StringComparison.Ordinal);
        Assert.Contains("LA2006", list, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_written()
    {
        _workspace.Write("runs", "a file where the folder should be");
        var outcome = _workspace.Leapalign("train");
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("error LA5002", outcome.Error, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux()) Assert.Equal(6, _workspace.Leapalign("train", "--set", "run.folder=/proc/leapalign").ExitCode);
    }

    [Fact]
    public void A_disk_that_is_full_leaves_no_half_export()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("limits on the size of files are of Linux");
        // A limit on the size of files stands in for the disk; the runtime's own executable memory would count against it.
        const string script = "trap '' XFSZ; ulimit -f 1000; export DOTNET_EnableWriteXorExecute=0; exec \"$0\" \"$@\"";
        using var process = BuiltHost.Start(_workspace.Folder, "bash", "-c", script, BuiltHost.Program, "train", "--set", "evaluation.every=-1");
        var outcome = BuiltHost.Finish(process);
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("error LA5002", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs", "small", "export")));
        Assert.False(Directory.Exists(_workspace.At("runs", "small", "export.part")));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(40)]
    [InlineData(100)]
    [InlineData(256)]
    public void A_process_that_may_open_too_few_files_says_so_before_anything_else(int limit)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("the limit is read where Linux tells it");
        using var process = BuiltHost.Start(_workspace.Folder, "/bin/sh", "-c", $"ulimit -n {limit}; exec \"$0\" \"$@\"", BuiltHost.Program, "list");
        var outcome = BuiltHost.Finish(process);
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.StartsWith($"error LA5022: this process may have {limit} files open at once", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
    }

    public void Dispose() => _workspace.Dispose();

    private void Refused(string code, int exitCode, string mentions, params string[] arguments)
    {
        var outcome = _workspace.Leapalign(["train", .. arguments]);
        Assert.True(outcome.ExitCode == exitCode, $"{outcome.ExitCode}: {outcome.Error}");
        var error = Assert.Single(outcome.Error.Split('\n'), static line => line.StartsWith("error ", StringComparison.Ordinal));
        Assert.StartsWith($"error {code}", error, StringComparison.Ordinal);
        Assert.Contains(mentions, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs")), "something was left behind");
    }

    private string Drop(string plugin)
    {
        var source = Path.Combine(TestPlugins, plugin);
        Assert.True(Directory.Exists(source), $"'{source}' was not built");
        var target = Directory.CreateDirectory(_workspace.At("plugins", plugin)).FullName;
        foreach (var file in Directory.EnumerateFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        return target;
    }
}
