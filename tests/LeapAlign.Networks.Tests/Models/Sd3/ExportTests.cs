using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>Exports of sources that cannot be exported, which is known before training.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly string _folder = MemoryFolder.Create("leapalign-export-");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_check_says_the_bytes_of_the_export()
    {
        using var scope = NewDisposeScope();
        using var model = TestModel.Open();
        foreach (var type in new ScalarType?[] { null, ScalarType.BFloat16, ScalarType.Float32 })
        {
            var target = Path.Combine(_folder, $"{type}-export");
            var said = Recording.Require(((IModel)model).CheckExport(new ExportRequest("", type)));
            Recording.Require(model.Export(new ExportRequest(target, type) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }));
            Assert.Equal(new DirectoryInfo(target).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length), said);
        }
    }

    [Theory]
    [InlineData("dangling", "tokenizer_2/merges.old", "it is a link to 'nowhere', which is not there")]
    [InlineData("socket", "vae/notes", "it is a socket, not a file")]
    [InlineData("pipe", "scheduler/more", "it is a named pipe, not a file")]
    [InlineData("forbidden", "text_encoder/README.md", "denied")]
    public void A_source_that_could_not_be_exported_is_known_before_training(string kind, string file, string why)
    {
        var source = TestModel.Copy();
        var path = Path.Combine(source, file);
        IDisposable? socket = null;
        // Special files are refused already when the model is read: one of them might be a file that is read.
        if (kind == "pipe") SpecialFile.Pipe(path);
        else if (kind == "socket") socket = SpecialFile.Socket(path);
        else if (kind == "dangling") File.CreateSymbolicLink(path, "nowhere");
        else
        {
            File.WriteAllText(path, "x");
            SpecialFile.Forbid(path);
        }
        using (socket)
        {
            var fault = TestModel.TryOpen(source).Bind(static model =>
            {
                using (model) return ((IModel)model).CheckExport(new ExportRequest("", null));
            }).Match<Fault?>(static _ => null, static fault => fault);
            Assert.Equal(FaultCodes.ModelNotFound, fault?.Code);
            Assert.Equal(path, fault!.Place!.File);
            Assert.Contains(why, fault.Message, StringComparison.Ordinal);
        }
        Directory.Delete(source, recursive: true);
    }

    [Theory]
    [InlineData("model_index.json")]
    [InlineData("scheduler/scheduler_config.json")]
    [InlineData("transformer/config.json")]
    [InlineData("transformer/diffusion_pytorch_model.safetensors")]
    [InlineData("tokenizer/vocab.json")]
    public async Task A_pipe_in_the_place_of_a_file_that_is_read_is_refused_and_nothing_waits(string file)
    {
        var source = TestModel.Copy();
        File.Delete(Path.Combine(source, file));
        SpecialFile.Pipe(Path.Combine(source, file));
        var opened = await Task.Run(() => TestModel.TryOpen(source), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var fault = opened.Match<Fault?>(static _ => null, static fault => fault);
        Assert.Contains("it is a named pipe, not a file", fault?.Message, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(source, file), fault!.Place!.File);
        Directory.Delete(source, recursive: true);
    }

    [Theory]
    [InlineData("vae")]
    [InlineData("tokenizer")]
    [InlineData("tokenizer_2")]
    [InlineData("scheduler")]
    public void A_part_that_the_index_does_not_name_would_be_absent_from_the_export(string part)
    {
        var source = TestModel.Copy();
        var index = Path.Combine(source, "model_index.json");
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(index))!.AsObject();
        Assert.True(json.Remove(part));
        File.WriteAllText(index, json.ToJsonString());
        var fault = TestModel.TryOpen(source).Bind(static model =>
        {
            using (model) return ((IModel)model).CheckExport(new ExportRequest("", null));
        }).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Contains(part, fault?.ToString(), StringComparison.Ordinal);
        Directory.Delete(source, recursive: true);
    }

    [Fact]
    public void A_source_that_went_during_the_run_is_a_fault_that_names_the_file_and_leaves_no_half_export()
    {
        using var scope = NewDisposeScope();
        var source = TestModel.Copy();
        using var model = TestModel.Open(source);
        Recording.Require(((IModel)model).CheckExport(new ExportRequest("", null)));
        Directory.Delete(source, recursive: true);
        var fault = model.Export(new ExportRequest(Path.Combine(_folder, "export"), null) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.ModelNotFound, fault?.Code);
        Assert.StartsWith(source, fault!.Place!.File, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }
}
