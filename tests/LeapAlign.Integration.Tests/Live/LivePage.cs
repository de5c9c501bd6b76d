using PuppeteerSharp;
using Browser = LeapAlign.Integration.Tests.Reports.Browser;

namespace LeapAlign.Integration.Tests.Live;

/// <summary>A live page in a browser.</summary>
internal sealed class LivePage(Browser browser, string address) : IAsyncDisposable
{
    public IPage Page => browser.Page;

    public static async Task<LivePage> Open(string address)
    {
        var browser = await Browser.Start();
        await browser.Show(1280, 900, dark: false);
        await browser.Open(address);
        var page = new LivePage(browser, address);
        await page.Until("document.querySelector('[data-chart=loss]')?.plot");
        return page;
    }

    /// <summary>Waits until something is true of the page.</summary>
    public async Task Until(string expression)
    {
        try
        {
            await Page.WaitForExpressionAsync(expression, new WaitForFunctionOptions { Timeout = 60_000, PollingInterval = 50 });
        }
        catch (WaitTaskTimeoutException)
        {
            var shown = await Of<string>("document.getElementById('live').textContent + ', pictures of ' + document.querySelector('.slider')?.textContent");
            Assert.Fail($"it never came to be that {expression}; the page shows {shown} and complains {string.Join("; ", browser.Complaints)}");
        }
    }

    public Task<T> Of<T>(string expression) => Page.EvaluateExpressionAsync<T>(expression);

    /// <summary>The step that the head shows.</summary>
    public Task<int> Step() => Of<int>("Number(document.querySelector('[data-live=step]').textContent.match(/step ([0-9]+) of/)[1])");

    /// <summary>The last step that a curve shows.</summary>
    public Task<int> Drawn() => Of<int>("document.querySelector('[data-chart=loss]').plot.data[0].at(-1)");

    /// <summary>Waits until head, curve, table and tile show later steps than now.</summary>
    public async Task Advances()
    {
        var (step, drawn, evaluations) = (await Step(), await Drawn(), await Of<double>(Evaluations));
        await Until($"Number(document.querySelector('[data-live=step]').textContent.match(/step ([0-9]+) of/)[1]) > {step}");
        await Until($"document.querySelector('[data-chart=loss]').plot.data[0].at(-1) > {drawn}");
        await Until($"{Evaluations} > {evaluations.ToString(System.Globalization.CultureInfo.InvariantCulture)}");
    }

    /// <summary>The page had nothing to complain of, and asked nobody but its own server.</summary>
    public void AssertQuiet()
    {
        Assert.Empty(browser.Complaints);
        Assert.All(browser.Requests, asked => Assert.StartsWith(address, asked, StringComparison.Ordinal));
        Assert.Contains(browser.Requests, asked => asked.StartsWith(address + "data", StringComparison.Ordinal));
    }

    public ValueTask DisposeAsync() => browser.DisposeAsync();

    private const string Evaluations = "Number(document.querySelector('[data-tile=\"network evaluations\"] data').value)";
}
